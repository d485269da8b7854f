# Completion of trio-balancerctl for fish 3.0 and later.
function __trio_balancerctl
    set -l words (commandline -opc)
    trio-balancerctl __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c trio-balancerctl -f -a '(__trio_balancerctl)'
complete -c trio-balancerctl -l socket -r -F -d 'the runtime socket'
complete -c trio-balancerctl -l config -r -F -d 'the configuration'
