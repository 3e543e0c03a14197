#!/usr/bin/env bash
# The programs that tests drive and that neither PyPI nor npm has, as Debian packages: installed by
# apt-get where that needs no asking (as root, as in a container, or with a sudo that asks no
# password). Elsewhere it is told what is missing: those tests are skipped, and fail with CI=true.
set -euo pipefail

declare -A package=(
    [curl]=curl
    [keytool]=default-jre-headless # Java's list of trusted certificates
    [ruby]=ruby-faye
    [chromium]=chromium
)

missing=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
if command -v ruby >/dev/null && ! ruby -e 'require "faye"; require "em-http-request"' 2>/dev/null; then
    missing+=(ruby-faye)
fi
[ ${#missing[@]} = 0 ] && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    as_root=(sudo -n)
fi
if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    printf '\033[1m── %s\033[0m\n' "Debian packages ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    if "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
        exit 0
    fi
fi
printf 'cometape: %s\n' "some tests need what is not here: apt-get install ${missing[*]}" >&2
