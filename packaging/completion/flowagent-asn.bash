# bash completion for flowagent-asn(1). The options come from the program itself.

_flowagent_asn()
{
	local current=${COMP_WORDS[COMP_CWORD]}

	COMPREPLY=()
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" --help 2>/dev/null | grep -o -e '--[a-z0-9-]*')" -- "$current")
		return
	fi
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--least-peers | --longest-ipv4 | --longest-ipv6) return ;;
	esac
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

complete -F _flowagent_asn flowagent-asn
