# bash completion for agentctl(1). Candidates come from agentctl itself, which has the tables.

_agentctl()
{
	local current=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local prefix= candidate

	COMPREPLY=()
	case $previous in
	-s | --socket | --file)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	-o | --output | --by)
		# a list: complete what stands after its last comma
		if [[ $current == *,* ]]; then
			prefix=${current%,*},
			current=${current##*,}
		fi
		;;
	=)
		return # the value of a filter word
		;;
	esac
	[[ $current == = ]] && return
	while read -r candidate; do
		[[ $candidate == "$current"* ]] && COMPREPLY+=("$prefix$candidate")
	done < <("${COMP_WORDS[0]}" _complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)
	# a filter word continues after its sign
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=\<\>] ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

complete -F _agentctl agentctl
