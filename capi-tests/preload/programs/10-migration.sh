# A machine goes from one libvirtd to another, in the ways that virsh has, and back.
there() {
    echo "+ there: virsh $*"
    env LD_PRELOAD="$PRELOAD" virsh -c "$PEER_URI" "$@" 2>&1
    echo "= $?"
}

machine mig
virsh create $DIR/mig.xml
virsh migrate mig "$PEER_URI" --live --unsafe --verbose
virsh domstate mig
there domstate mig --reason
there domjobinfo mig --completed
there migrate mig "$URI" --live --unsafe --persistent --undefinesource --suspend
virsh domstate mig --reason
there list --all
virsh resume mig
virsh migrate mig "$PEER_URI" --live --unsafe --p2p --persistent
virsh dominfo mig
virsh migrate mig "$PEER_URI" --live --unsafe --persistent
virsh dominfo mig
there dominfo mig
there domblklist mig
there dumpxml mig
there destroy mig
there undefine mig
virsh undefine mig
echo done
