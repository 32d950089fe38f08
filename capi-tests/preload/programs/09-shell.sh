# One virsh that is told many things, over several connections, and the simulated hypervisors that are libvirt's own.
machine shell
cat > $DIR/commands <<XML
uri
define $DIR/shell.xml
start shell
list
connect test:///default
uri
list --all
dumpxml test
suspend test
snapshot-create-as test one
snapshot-list test
destroy test
connect $URI
list
domblklist shell
nonsense
destroy shell
undefine shell
connect nonsense:///x
list
connect test+nonsense:///default
quit
XML
env LD_PRELOAD="$PRELOAD" virsh -c "$URI" < $DIR/commands 2>&1
echo "= $?"
env LD_PRELOAD="$PRELOAD" virsh -c "$URI" "define $DIR/shell.xml; domstate shell; undefine shell; domstate shell" 2>&1
URI=test:///default
virsh nodeinfo
virsh list --all
virsh event --domain test --event lifecycle --timeout 1
virsh net-list --all
virsh pool-list --all
virsh vol-list default-pool
virsh iface-list --all
virsh nodedev-list
virsh reboot test
virsh blockpull test vda
virsh undefine test
cat > $DIR/node.xml <<XML
<node><domain type='test'><name>fixed</name><memory>1024</memory><os><type>hvm</type></os></domain>
<auth><user password='123456'>someone</user></auth></node>
XML
URI=test://$DIR/node.xml
virsh list
cat > $DIR/auth.conf <<XML
[credentials-some]
username=someone
password=123456
[auth-test-localhost]
credentials=some
XML
URI="test://$DIR/node.xml?authfile=$DIR/auth.conf"
virsh list
URI="test://$DIR/node.xml?authfile=$DIR/auth.conf"
virsh dumpxml fixed
echo done
