# bash completion for flowagent(8). The options are filled in from config_options.def by the build.

_flowagent_words()
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_flowagent_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

_flowagent()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	# bash breaks --option=value in three words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $previous == = ]] && ((COMP_CWORD > 1)); then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $previous in
@BASH_ARGUMENTS@
	*) _flowagent_words '
@BASH_OPTIONS@
		' ;;
	esac
}

complete -F _flowagent flowagent
