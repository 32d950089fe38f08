/*
 * events.h: subscribing to lifecycle events, which the test hypervisors of this library and of libvirt both have
 */

#ifndef EVENTS_H
#define EVENTS_H

/** Subscribes to the lifecycle events of a domain, or of all if it is NULL. */
static inline int subscribe(virConnectPtr conn,
                            virDomainPtr dom,
                            virConnectDomainEventCallback cb,
                            const void *opaque,
                            virFreeCallback freecb)
{
    return virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(cb), (void *)opaque, freecb);
}

/** Makes two lifecycle events: suspended and resumed. */
static inline void make_two_events(virDomainPtr dom)
{
    CHECK_INT(virDomainSuspend(dom), 0);
    CHECK_INT(virDomainResume(dom), 0);
}

#endif /* EVENTS_H */
