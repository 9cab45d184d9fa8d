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

# Keys and their values after a source or a collector, "HOST:PORT,version=10,mode=". bash breaks words at : and = as well;
# the one at the cursor is then what follows them.
_flowagent_keys()
{
	local section=$1 key=${COMP_WORDS[COMP_CWORD - 2]##*,}

	if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
		key=${COMP_WORDS[COMP_CWORD - 1]##*,}
	elif [[ $cur == *,* ]]; then
		local before=${cur%,*},
		cur=${cur##*,}
		compopt -o nospace 2>/dev/null
		case $section in
		source) _flowagent_words '
@BASH_SOURCE_KEYS@
			' ;;
		collector) _flowagent_words '
@BASH_COLLECTOR_KEYS@
			' ;;
		esac
		COMPREPLY=("${COMPREPLY[@]/#/$before}")
		return
	elif [[ ${COMP_WORDS[COMP_CWORD - 1]} != = ]]; then
		return
	fi
	case "$section $key" in
@BASH_VALUES@
	esac
}

# The option that the word at the cursor belongs to, though bash may have broken it.
_flowagent_option()
{
	local i=$COMP_CWORD

	while ((--i > 0)); do
		if [[ ${COMP_WORDS[i]} == -* ]]; then
			printf '%s\n' "${COMP_WORDS[i]}"
			return
		elif [[ ${COMP_WORDS[i]} != +([=:]) && ${COMP_WORDS[i + 1]} != +([=:]) ]]; then
			return
		fi
	done
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
	case $(_flowagent_option) in
	--nflog|-g|--interface|-i|--bpf) _flowagent_keys source ;;
	--collector|-n) _flowagent_keys collector ;;
	esac
	if ((${#COMPREPLY[@]} > 0)); then
		return
	fi
	case $previous in
@BASH_ARGUMENTS@
	*)
		# Words after a capture file are more of them.
		if [[ $cur != -* && " ${COMP_WORDS[*]:0:COMP_CWORD} " =~ \ (-r|--read)\  ]]; then
			_flowagent_files
			return
		fi
		_flowagent_words '
@BASH_OPTIONS@
		' ;;
	esac
}

complete -F _flowagent flowagent
