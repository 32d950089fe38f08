# Storage, secrets and filters, which this library knows nothing of; volumes are read and written through streams.
mkdir $DIR/pool
virsh pool-define-as same dir --target $DIR/pool
virsh pool-start same
virsh pool-info same | grep -v Available
virsh pool-dumpxml same | grep -v 'uuid\|capacity\|label'
virsh vol-create-as same one 1M --format raw
virsh vol-create-as same one 1M
virsh vol-create-as same two 1M --format qcow2
virsh vol-list same --details
virsh vol-info one --pool same
virsh vol-path one --pool same
virsh vol-key one --pool same
virsh vol-pool $DIR/pool/one
virsh vol-dumpxml one --pool same | grep -v label
head -c 1000000 /dev/zero | tr '\0' 'x' > $DIR/data
virsh vol-upload one $DIR/data --pool same
virsh vol-download one $DIR/back --pool same
cmp -n 1000000 $DIR/data $DIR/back && echo 'the same data'
virsh vol-upload nobody $DIR/data --pool same
virsh vol-clone two three --pool same
virsh vol-resize two 2M --pool same
virsh vol-wipe one --pool same
virsh vol-delete one --pool same
virsh vol-delete one --pool same
virsh vol-delete two --pool same
virsh vol-delete three --pool same
virsh pool-refresh same
virsh pool-destroy same
virsh pool-undefine same
virsh pool-info same
cat > $DIR/secret.xml <<XML
<secret ephemeral='no' private='no'><uuid>0e1a2b3c-0000-4000-8000-0000000000aa</uuid><usage type='volume'><volume>$DIR/v</volume></usage></secret>
XML
virsh secret-define $DIR/secret.xml
virsh secret-list
echo c2VjcmV0 > $DIR/value
virsh secret-set-value 0e1a2b3c-0000-4000-8000-0000000000aa --file $DIR/value
virsh secret-get-value 0e1a2b3c-0000-4000-8000-0000000000aa
virsh secret-dumpxml 0e1a2b3c-0000-4000-8000-0000000000aa
virsh secret-undefine 0e1a2b3c-0000-4000-8000-0000000000aa
virsh secret-get-value 0e1a2b3c-0000-4000-8000-0000000000aa
virsh nwfilter-list
virsh nwfilter-dumpxml nobody
virsh net-info default
virsh net-define /nonexistent.xml
echo done
