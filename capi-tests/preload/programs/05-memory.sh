# Saving, restoring, dumping.
machine mem
quietly define $DIR/mem.xml
quietly start mem
virsh save mem $DIR/saved --verbose
virsh domstate mem --reason
virsh save-image-dumpxml $DIR/saved
virsh save-image-define $DIR/saved $DIR/mem.xml --paused
virsh restore $DIR/saved
virsh domstate mem --reason
virsh restore $DIR/nonexistent
virsh resume mem
virsh managedsave mem
virsh dominfo mem
virsh managedsave-dumpxml mem
virsh start mem
virsh managedsave mem --paused
virsh managedsave-remove mem
virsh managedsave-remove mem
virsh start mem
virsh dump mem $DIR/core --memory-only --verbose
virsh dump mem $DIR/core2 --live
virsh domjobinfo mem
virsh domjobinfo mem --completed
virsh domjobabort mem
virsh migrate-setspeed mem 10
virsh migrate-getspeed mem
virsh migrate-setmaxdowntime mem 100
virsh migrate-getmaxdowntime mem
virsh migrate-postcopy mem
virsh screenshot mem $DIR/shot
quietly destroy mem
quietly undefine mem
echo done
