# Snapshots, internal and of disks.
machine snap
quietly define $DIR/snap.xml
quietly start snap
virsh snapshot-create-as snap a 'The first'
virsh snapshot-create-as snap a
virsh snapshot-create-as snap b
virsh snapshot-list snap --tree
virsh snapshot-list snap --roots --name
virsh snapshot-list snap --from a --descendants --name
virsh snapshot-current snap --name
virsh snapshot-parent snap b
virsh snapshot-parent snap a
virsh snapshot-info snap b
virsh snapshot-dumpxml snap a
virsh snapshot-revert snap a
virsh snapshot-current snap --name
virsh snapshot-create-as snap c --disk-only
virsh snapshot-list snap --disk-only
virsh snapshot-revert snap c
virsh snapshot-delete snap b
virsh snapshot-delete snap a --children
virsh snapshot-delete snap a
virsh snapshot-delete snap c --metadata
virsh snapshot-list snap
virsh snapshot-create snap /nonexistent.xml
virsh snapshot-info snap nobody
quietly destroy snap
virsh undefine snap --snapshots-metadata
echo done
