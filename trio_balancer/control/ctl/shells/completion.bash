# Completion of trio-balancerctl for bash 3.2 and later.
_trio_balancerctl() {
    local line=${COMP_LINE:0:COMP_POINT} word
    local -a words
    # Without -r: a backslash that this function once put before a letter is taken off again.
    read -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local current=${words[${#words[@]}-1]}
    # For readline a colon begins a word, so that it replaces only what follows the last one.
    local colon=${current%"${current##*:}"}
    COMPREPLY=()
    while IFS= read -r word; do
        printf -v word %q "${word#"$colon"}"
        COMPREPLY+=("$word")
    done < <(trio-balancerctl __complete "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _trio_balancerctl trio-balancerctl
