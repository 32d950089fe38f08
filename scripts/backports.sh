# Sourced by the scripts that unpack packages of bookworm-backports into a directory, beside what is installed.
#
# Nothing is installed and no root is needed: the packages come from the mirrors that apt is set up for.
#
#   begin DEST                     makes the directory; $dest is its path, $work what is removed in the end
#   unpack PATTERN PACKAGE...      into $dest/root: the packages, and what they need that this system does not have. What is
#                                  installed of packages whose names match PATTERN (of awk) does not count as being there.
#                                  What $alone names is added without what it needs: the installed version of it has that.

suite=bookworm

say() { echo "$(basename "$0" .sh): $*" >&2; }
die() { say "$*"; exit 1; }

begin() {
    mkdir -p "$1"
    dest=$(cd "$1" && pwd)
}

# What apt is set up for, and the same mirror's backports.
sources() {
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    options=
    [ ! -r $keyring ] || options="[signed-by=$keyring] "
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Identifier: Packages' |
        while read -r uri release component origin; do
            case "$origin/$release/$component" in
                Debian/$suite/main)
                    echo "deb $options$uri $release main"
                    echo "deb $options$uri $suite-backports main" ;;
                Debian/$suite*/main)
                    echo "deb $options$uri $release main" ;;
            esac
        done
}

apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::status="$work/status" -o Dir::State::lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User="" \
        -o Acquire::Retries=3 -o Acquire::http::Timeout=30 "$@" >&2
}

unpack() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die "apt-get and dpkg-deb are needed"
    (. /etc/os-release && [ "${VERSION_CODENAME:-}" = "$suite" ]) || die "this is not Debian $suite"
    work=$(mktemp -d "$dest/.work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM

    sources >"$work/sources.list"
    grep -q -- "$suite-backports" "$work/sources.list" || die "apt is not set up for $suite; try apt-get update"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    cp -p /var/lib/apt/lists/*_"$suite"* "$work/lists/" 2>/dev/null || :
    awk -v pattern="^Package: ($1)" 'BEGIN { RS = ""; ORS = "\n\n" } $0 !~ pattern' /var/lib/dpkg/status >"$work/status"
    shift
    apt update || die "cannot read the package lists"
    apt install -y --download-only --no-install-recommends --allow-change-held-packages -t "$suite-backports" "$@" ||
        die "cannot download the packages"

    # shellcheck disable=SC2086
    [ -z "${alone:-}" ] || (cd "$work/cache/archives" && apt download -t "$suite-backports" $alone) || die "cannot download $alone"

    rm -rf "$dest/root" "$dest/bin" "$dest/complete"
    mkdir -p "$dest/root" "$dest/bin"
    for deb in "$work"/cache/archives/*.deb; do
        [ -e "$deb" ] || die "nothing was downloaded"
        dpkg-deb -x "$deb" "$dest/root"
    done
}
