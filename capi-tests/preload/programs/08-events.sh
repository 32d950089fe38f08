# virsh waiting for events, on its own event loop.
machine told
quietly define $DIR/told.xml
env LD_PRELOAD="$PRELOAD" virsh -c "$URI" event --domain told --event lifecycle --loop --timeout 8 > $DIR/lifecycle 2>&1 &
lifecycle=$!
sleep 1.5
quietly start told
quietly suspend told
quietly resume told
env LD_PRELOAD="$PRELOAD" virsh -c "$URI" event --domain told --event block-job-2 --timeout 10 > $DIR/block 2>&1 &
block=$!
env LD_PRELOAD="$PRELOAD" virsh -c "$URI" qemu-monitor-event told --event JOB_STATUS_CHANGE --timeout 10 > $DIR/monitor 2>&1 &
monitor=$!
sleep 1.5
quietly blockcopy told vda $DIR/copy.qcow2 --transient-job
quietly blockjob told vda --abort
quietly destroy told
wait $block; echo "= $?"
wait $monitor; echo "= $?"
wait $lifecycle; echo "= $?"
cat $DIR/lifecycle $DIR/block
sed 's/at [0-9.]*/at N/' $DIR/monitor
virsh event --list
virsh event --event nonsense
virsh event --domain told --event lifecycle --timeout 1
virsh secret-event --list
virsh pool-event --event lifecycle --timeout 1
virsh net-event --event lifecycle --timeout 1
virsh nodedev-event --event lifecycle --timeout 1
quietly undefine told
echo done
