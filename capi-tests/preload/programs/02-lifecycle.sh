# A machine's life, and what is refused in it.
machine life
virsh define $DIR/life.xml
virsh define $DIR/life.xml
virsh define /nonexistent.xml
echo '<domain><nonsense' > $DIR/bad.xml
virsh define $DIR/bad.xml
echo "<domain type='qemu'><name>x</name></domain>" > $DIR/poor.xml
virsh define $DIR/poor.xml
virsh dominfo life
virsh dumpxml life
virsh domstate --reason life
virsh start life --paused
virsh domstate --reason life
virsh start life
virsh resume life
virsh suspend life
virsh domid nobody
virsh domname 0e1a2b3c-0000-4000-8000-000000000001
virsh domuuid life
virsh list
virsh list --all --name --uuid
virsh dominfo life
virsh dumpxml life
virsh dumpxml life --inactive
virsh domblklist life --details
virsh domblkinfo life vda
virsh domblkinfo life vdx
virsh domblkerror life
virsh domblkstat life vda
virsh domiflist life
virsh domstats life
virsh domstats --state --block --backing life
virsh vcpuinfo life --pretty | grep -v 'CPU Affinity\|^CPU:'
virsh vcpucount life
virsh dommemstat life
virsh domcontrol life
virsh domtime life
virsh guestinfo life
virsh ttyconsole life
virsh setmem life 32M
virsh setvcpus life 2
virsh autostart life
virsh autostart --disable life
virsh desc life --live --title 'A title'
virsh metadata life http://example.com/x --key x --set '<m/>'
virsh metadata life http://example.com/x
virsh schedinfo life
virsh send-key life KEY_A
virsh qemu-monitor-command life --hmp 'info name'
virsh qemu-monitor-command life '{"execute":"query-status"}'
virsh qemu-monitor-command life '{"execute":"nonsense"}'
image $DIR/b.qcow2 1M
virsh attach-disk life $DIR/b.qcow2 vdb --subdriver qcow2
virsh domblklist life
virsh detach-disk life vdb
virsh reset life
virsh destroy life
virsh destroy life
virsh undefine life
virsh undefine life
virsh create $DIR/life.xml
virsh destroy life --graceful
virsh domstate life
echo done
