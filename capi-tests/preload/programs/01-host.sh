# What virsh says of the host, the connection and itself.
virsh version
virsh uri
virsh hostname
virsh nodeinfo
virsh nodecpumap
virsh maxvcpus
virsh capabilities
virsh domcapabilities --virttype qemu
virsh cpu-models x86_64
virsh sysinfo
virsh list --all
virsh net-list --all
virsh pool-list --all
virsh nodedev-list --cap net
virsh iface-list
virsh secret-list
virsh nwfilter-list
virsh -r version
virsh -r define /nonexistent.xml
virsh help list
virsh nonsense
env LD_PRELOAD="$PRELOAD" virsh -c nonsense:///x list 2>&1
env LD_PRELOAD="$PRELOAD" virsh -c "qemu:///session?socket=/nonexistent" list 2>&1
env LD_PRELOAD="$PRELOAD" virsh -c "qemu+unix:///system?socket=/nonexistent" list 2>&1
env LD_PRELOAD="$PRELOAD" LIBVIRT_DEFAULT_URI="$URI" virsh uri 2>&1
env LD_PRELOAD="$PRELOAD" virsh --version=long 2>&1
echo done
