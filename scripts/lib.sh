# What the scripts of this folder share. Sourced, not run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=$ROOT/.tools
STATE=$TOOLS/state
LOGS=$TOOLS/logs
# shellcheck source=scripts/versions.sh
. "$ROOT/scripts/versions.sh"

say() { printf '%s\n' "$*" >&2; }

# die "what went wrong" ["what to do about it" ...]
die() {
    say "error: $1"
    shift
    local line
    for line in "$@"; do say "  $line"; done
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

prepare_tools_folder() {
    mkdir -p "$STATE" "$LOGS" "$TOOLS/locks"
    # Ignores itself, so that no other file has to know about it.
    [ -e "$TOOLS/.gitignore" ] || echo '*' >"$TOOLS/.gitignore"
}

# Two copies of a set-up step may run at once (make -j, two terminals): the second one waits, then finds
# the work done. Where there is no flock (macOS) we go without.
lock() { # lock NAME
    prepare_tools_folder
    have flock || return 0
    exec 9>"$TOOLS/locks/$1"
    flock --nonblock 9 && return 0
    say "waiting for another set-up of '$1' in this checkout"
    flock 9
}

# Runs a long command with its output in a log: says what it is, shows a sign of life, and on failure the
# end of the log. `step NAME "what it does" command ...`
step() {
    local what=$2 log=$LOGS/$1.log start=$SECONDS code=0 watcher
    shift 2
    say "$what ..."
    (
        # The sleep lets go of our output, so that nobody waits for it after the step has ended.
        while sleep 20 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
            say "  still at it after $((SECONDS - start)) s: $(tail -n 1 "$log" 2>/dev/null | cut -c 1-100)"
        done
    ) 9>&- &
    watcher=$!
    "$@" >"$log" 2>&1 9>&- </dev/null || code=$?
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
    if [ "$code" -ne 0 ]; then
        say "  failed after $((SECONDS - start)) s (exit code $code); the end of $log:"
        tail -n 15 "$log" | sed 's/^/  | /' >&2
        return "$code"
    fi
    say "  done in $((SECONDS - start)) s"
}

# Compiles a tool from the Cargo registry into .tools, unless it is on PATH or there already, and sets `tool` to it.
cargo_tool() { # cargo_tool NAME VERSION [OPTION]...
    local name=$1 version=$2
    shift 2
    tool=$(command -v "$name" || echo "$TOOLS/bin/$name")
    [ ! -x "$tool" ] || return 0
    lock "$name"
    [ -x "$tool" ] || step "$name" "compiling $name $version (minutes, once)" \
        env -u RUSTFLAGS CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_TARGET_DIR="$TOOLS/tmp/$name" \
        cargo install "$name" --version "=$version" --locked --root "$TOOLS" "$@" ||
        die "could not install $name" "Look at $LOGS/$name.log."
    rm -rf "$TOOLS/tmp/$name"
}

# True if version $1 is at least $2 (numbers with dots).
version_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$2" ]
}

read_state() { cat "$STATE/$1" 2>/dev/null || true; }

write_state() { # write_state NAME VALUE
    # Where nothing had to be fetched, as with targets that rustup has, this is the first file.
    prepare_tools_folder
    printf '%s\n' "$2" >"$STATE/$1.$$"
    mv "$STATE/$1.$$" "$STATE/$1"
}

# .tools/env is what the rest of the world sees of the set-up: `. .tools/env`, or scripts/with-tools.
# One writer at a time: it sums up what all parts have left in .tools/state.
write_env() {
    prepare_tools_folder
    (
        if have flock; then flock 8; fi
        write_env_locked
    ) 8>"$TOOLS/locks/env"
}

write_env_locked() {
    local sysroot envoy next=$TOOLS/env.$$
    sysroot=$(read_state wasm-sysroot)
    envoy=$(read_state envoy)
    {
        echo "# Written by scripts/setup. Read it with:  . $TOOLS/env"
        if [ -n "$sysroot" ]; then
            local target
            for target in WASM32_WASIP1 WASM32_UNKNOWN_UNKNOWN; do
                echo "export CARGO_TARGET_${target}_RUSTFLAGS=\"--sysroot=$sysroot\""
                echo "export CARGO_TARGET_${target}_RUSTDOCFLAGS=\"--sysroot=$sysroot\""
            done
            # cargo ignores the two lines above when RUSTFLAGS is set. Host builds work with this sysroot
            # too: it links to everything that the toolchain's own one has.
            echo "case \"\${RUSTFLAGS-}\" in ''|*--sysroot=*) ;; *) export RUSTFLAGS=\"\$RUSTFLAGS --sysroot=$sysroot\" ;; esac"
        fi
        # A runner is a command line to cargo, which splits it at spaces.
        case $ROOT in
        *[[:space:]]*) ;;
        *)
            echo "export CARGO_TARGET_WASM32_WASIP1_RUNNER=\"$ROOT/scripts/wasi-test-runner\""
            [ -x "$TOOLS/bin/wasm-bindgen-test-runner" ] &&
                echo "export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=\"$TOOLS/bin/wasm-bindgen-test-runner\""
            ;;
        esac
        # Behind the system's own: see scripts/setup-python.
        [ -x "$TOOLS/bin/jq" ] && echo "case :\$PATH: in *:$TOOLS/bin:*) ;; *) export PATH=\"\$PATH:$TOOLS/bin\" ;; esac"
        [ -n "$envoy" ] && echo "export ENVOY_BIN=\"\${ENVOY_BIN:-$envoy}\""
        [ -n "$(read_state venv)" ] && echo "export KT_TEST_PYTHON=\"$TOOLS/venv/bin/python\""
        [ -n "$(read_state venv-legacy)" ] && echo "export KT_TEST_PYTHON_LEGACY=\"$TOOLS/venv-legacy/bin/python\""
        true
    } >"$next"
    # Untouched when nothing changed, so that its date means something.
    if cmp -s "$next" "$TOOLS/env"; then rm "$next"; else mv "$next" "$TOOLS/env"; fi
}
