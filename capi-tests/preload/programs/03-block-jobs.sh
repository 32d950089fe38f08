# Copy, pull and commit, through virsh's own waiting and by hand.
machine block
quietly define $DIR/block.xml
quietly start block
virsh blockcopy block vda $DIR/copy.qcow2 --wait --verbose --pivot --transient-job
virsh domblklist block
virsh blockcopy block vda $DIR/copy2.qcow2 --transient-job
until_ready sh -c "env LD_PRELOAD= virsh -c '$URI' blockjob block vda | grep -q '100 %'"
virsh blockjob block vda --info
virsh blockjob block vda --raw
virsh blockjob block vda --bandwidth 10
virsh blockcopy block vda $DIR/copy3.qcow2 --transient-job
virsh blockjob block vda --abort
virsh blockjob block vda --info
virsh blockjob block vda --abort
virsh blockjob block vdx --info
virsh blockjob nobody vda
virsh snapshot-create-as block one --disk-only --no-metadata
virsh snapshot-create-as block two --disk-only --no-metadata
virsh domblklist block
virsh dumpxml block
virsh blockcommit block vda --active --wait --verbose --pivot
virsh domblklist block
virsh blockcommit block vda --wait
virsh snapshot-create-as block three --disk-only --no-metadata
virsh blockpull block vda --wait --verbose
virsh blockpull block vda
virsh blockpull block vdx
virsh blockresize block vda 8M
virsh domjobinfo block
virsh domjobabort block
quietly destroy block
virsh blockpull block vda
quietly undefine block
echo done
