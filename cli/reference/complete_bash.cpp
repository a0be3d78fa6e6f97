#include <fmt/format.h>

#include "base/version.h"
#include "cli/reference/completion.h"

namespace pairloom::cli {
namespace {

std::string_view word(ValueKind kind) {
  static constexpr std::string_view kWords[] = {"flag", "text", "file", "dir", "words"};
  return kWords[static_cast<size_t>(kind)];
}

template <class Words>
std::string joined(const Words& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : " ") + std::string(w);
  return out;
}

std::string names_below(const CommandEntry& command) {
  std::string out;
  for (const auto& below : command.below) out += (out.empty() ? "" : " ") + std::string(below.last_word());
  return out;
}

// case "$1 $2" in: what one option of one verb takes.
std::string option_case(std::string_view verb_pattern, const OptionEntry& option) {
  std::string patterns;
  for (const auto& name : option.names) patterns += fmt::format("{}{}' {}'", patterns.empty() ? "" : " | ", verb_pattern, name);
  std::string out = fmt::format("        {}) kind={}", patterns, word(option.kind));
  if (option.kind == ValueKind::kWord) out += fmt::format(" words='{}'", joined(option.words));
  return out + " ;;\n";
}

std::string all_names(const CommandEntry& command) {
  std::vector<std::string> names;
  for (const auto& option : command.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return joined(names);
}

constexpr std::string_view kMain = R"(
_pairloom() {
    local cur=${COMP_WORDS[COMP_CWORD]} verb=pairloom waiting= only_arguments= prefix= kind words word i
    COMPREPLY=()
    [[ $cur != = ]] || cur=  # bash takes --color=x for three words
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $only_arguments ]]; then
            continue
        elif [[ $word == -- ]]; then
            only_arguments=yes
        elif [[ $word == -* ]]; then
            _pairloom_option "$verb" "$word"
            [[ $kind && $kind != flag ]] || continue
            if ((i + 1 < COMP_CWORD)) && [[ ${COMP_WORDS[i + 1]} == = ]]; then ((i++)); fi
            ((++i < COMP_CWORD)) || waiting=$word
        else
            _pairloom_below "$verb"
            [[ " $words " != *" $word "* ]] || verb+=" $word"
        fi
    done

    if [[ $waiting ]]; then
        _pairloom_option "$verb" "$waiting"
    elif [[ ! $only_arguments && $cur == --*=* ]]; then  # somebody took = out of COMP_WORDBREAKS
        prefix=${cur%%=*}=
        _pairloom_option "$verb" "${prefix%=}"
        cur=${cur#*=}
    elif [[ ! $only_arguments && $cur == -* ]]; then
        _pairloom_options "$verb"
        kind=words
    else
        _pairloom_below "$verb"
        kind=words
        [[ $words ]] || _pairloom_argument "$verb"
    fi

    # File names are best left to readline, which knows about quotes and ~: that is `-o default`.
    case $kind in
        words)
            compopt +o default
            mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$words" -- "$cur")
            ;;
        file) [[ ! $prefix ]] || mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$cur") ;;
        dir) compopt +o default -o dirnames ;;
        *) compopt +o default ;;
    esac
}

complete -o default -F _pairloom pairloom
)";

}  // namespace

std::string bash_completion(const CommandEntry& root) {
  const auto commands = all_commands(root);
  std::string out = fmt::format("# bash completion for pairloom {}; made by: pairloom --generate complete-bash\n\n", kVersion);

  out += "# kind: what option $2 of verb $1 takes; empty: there is no such option\n_pairloom_option() {\n";
  out += "    kind= words=\n    case \"$1 $2\" in\n";
  for (const auto* command : commands)
    for (const auto& option : command->options)
      if (option.group != kGlobalGroup) out += option_case("'" + command->name + "'", option);
  for (const auto& option : root.options)
    if (option.group == kGlobalGroup) out += option_case("*", option);
  out += "    esac\n}\n\n# words: all options of verb $1\n_pairloom_options() {\n    case $1 in\n";
  for (const auto* command : commands) out += fmt::format("        '{}') words='{}' ;;\n", command->name, all_names(*command));
  out += "    esac\n}\n\n# words: the verbs below $1\n_pairloom_below() {\n    case $1 in\n";
  for (const auto* command : commands)
    if (!command->below.empty()) {
      const std::string help = command == &root ? " | 'pairloom help'"
                                                : fmt::format(" | 'pairloom help {}'", command->last_word());
      out += fmt::format("        '{}'{}) words='{}' ;;\n", command->name, help, names_below(*command));
    }
  out += "        *) words= ;;\n    esac\n}\n\n# kind: what verb $1 takes besides options\n_pairloom_argument() {\n    case $1 in\n";
  for (const auto* command : commands)
    if (!command->arguments.empty() && command->last_word() != "help")
      out += fmt::format("        '{}') kind=file ;;\n", command->name);
  out += "        *) kind= ;;\n    esac\n}\n";
  return out + std::string(kMain);
}

}  // namespace pairloom::cli
