/*
 * libvirt.h: the whole interface but for errors
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated from the Rust sources of virt-jobs; change those and run "make headers".
 */

#ifndef LIBVIRT_H
#define LIBVIRT_H

#include <libvirt/libvirt-common.h>
#include <libvirt/libvirt-host.h>
#include <libvirt/libvirt-domain.h>
#include <libvirt/libvirt-domain-snapshot.h>
#include <libvirt/libvirt-event.h>
#include <libvirt/libvirt-jobs.h>

#endif /* LIBVIRT_H */
