# Backups and checkpoints.
machine back
quietly define $DIR/back.xml
quietly start back
cat > $DIR/push.xml <<XML
<domainbackup><disks><disk name='vda' type='file'><driver type='qcow2'/><target file='$DIR/push.qcow2'/></disk></disks></domainbackup>
XML
cat > $DIR/pull.xml <<XML
<domainbackup mode='pull'><server transport='unix' socket='$DIR/nbd'/><disks><disk name='vda' backup='yes' type='file'><driver type='qcow2'/><scratch file='$DIR/scratch.qcow2'/></disk></disks></domainbackup>
XML
virsh checkpoint-create-as back first
virsh checkpoint-list back
virsh checkpoint-dumpxml back first --no-domain
virsh backup-begin back $DIR/push.xml
until_ready sh -c "env LD_PRELOAD= virsh -c '$URI' domjobinfo back | grep -q 'None'"
virsh domjobinfo back --completed
virsh backup-begin back $DIR/pull.xml
virsh backup-dumpxml back
virsh backup-begin back $DIR/pull.xml
virsh domjobinfo back
virsh blockjob back vda
virsh domjobabort back
until_ready sh -c "env LD_PRELOAD= virsh -c '$URI' domjobinfo back | grep -q 'None'"
virsh backup-dumpxml back
virsh backup-begin back /nonexistent.xml
virsh checkpoint-delete back first
virsh checkpoint-list back
quietly destroy back
quietly undefine back
echo done
