#compdef trio-balancerctl
# Completion of trio-balancerctl for zsh; needs compinit.
_trio_balancerctl() {
    local -a candidates
    candidates=(${(f)"$(trio-balancerctl __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)"})
    if (( $#candidates )); then
        compadd -a candidates
    else
        _files
    fi
}
compdef _trio_balancerctl trio-balancerctl
