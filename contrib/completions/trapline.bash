# bash completion for trapline(1). Options are asked of the program itself, so they are never stale.
# shellcheck shell=bash

_trapline_words() {
    trapline help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
}

_trapline_options() {
    trapline help "$1" 2>/dev/null </dev/null | grep -Eo -- '--[a-z][a-z0-9-]*' | sort -u
}

_trapline_mechanisms='auto native notify trace sysemu step'

# Prints where the guest's command begins in COMP_WORDS, or nothing.
_trapline_command_at() {
    local i
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[1]}${COMP_WORDS[i]} in
        run-[rRSbmwik] | trace-[oespPaESUbXIOu]) ((i++)); continue ;;
        esac
        case ${COMP_WORDS[i]} in
        --) echo $((i + 1)); return ;;
        --uid | --gid | --hostname | --mechanism | --policy | --audit | --rootfs | --bind | --mount | --tmpfs | --overlay | \
            --cwd | --pwd | --change-id | --kernel-release) ((i++)) ;;
        =) ((i++)) ;;
        -*) ;;
        *) echo "$i"; return ;;
        esac
    done
}

_trapline() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} sub=${COMP_WORDS[1]} at
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "$sub" = help ]; }; then
        mapfile -t COMPREPLY < <(compgen -W "$(_trapline_words)" -- "$word")
        return
    fi
    case $sub in
    run | trace)
        at=$(_trapline_command_at)
        if [ -n "$at" ] && declare -F _command_offset >/dev/null; then
            _command_offset "$at"
            return
        fi
        ;;
    policy | bench)
        if [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -W "$(trapline help "$sub" | awk '/^  [a-z]/ { print $1 }')" -- "$word")
            return
        fi
        ;;
    esac
    [ "$before" = = ] && before=${COMP_WORDS[COMP_CWORD - 2]}
    case $before in
    --mechanism) mapfile -t COMPREPLY < <(compgen -W "$_trapline_mechanisms" -- "${word#=}") ;;
    -o | --policy | --audit | -[rRSb] | --rootfs | --bind | --overlay) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    -p) mapfile -t COMPREPLY < <(compgen -W "$(ps -eo pid= | tr -d ' ')" -- "$word") ;;
    *)
        case $word in
        -*) mapfile -t COMPREPLY < <(compgen -W "$(_trapline_options "$sub")" -- "$word") ;;
        *)
            if [ "$sub" = policy ]; then
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
            else
                mapfile -t COMPREPLY < <(compgen -c -- "$word")
            fi
            ;;
        esac
        ;;
    esac
}

complete -F _trapline trapline
