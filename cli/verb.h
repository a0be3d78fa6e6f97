// The table of verbs: what `pairloom VERB` can be. Help, dispatch, man page and tests walk it. Runs in: cli.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/session.h"

namespace pairloom::cli {

struct Example {
  std::string_view command;  // runs as it stands in a shell
  std::string_view about;
};

// What a parsed verb does; owns its options.
using Action = std::function<Result<ExitCode>(Session&)>;

struct Verb {
  std::string_view name;   // "dups", "index add"
  std::string_view what;   // one line
  std::string_view group;  // heading in the list of verbs
  std::span<const Example> examples;
  Action (*declare)(CLI::App& app);  // adds the verb's options to `app`
  bool uses_index = true;            // false: works where there is no place for one (cli/index_path.h)
};

std::span<const Verb> verbs();
std::span<const Example> main_examples();  // for `pairloom --help`

// One per verb, in verbs/<file>.cpp.
Action declare_scan(CLI::App& app);
Action declare_index_add(CLI::App& app);
Action declare_index_update(CLI::App& app);
Action declare_index_rebuild(CLI::App& app);
Action declare_index_pair(CLI::App& app);
Action declare_index_prune(CLI::App& app);
Action declare_index_verify(CLI::App& app);
Action declare_index_info(CLI::App& app);
Action declare_index_export(CLI::App& app);
Action declare_index_failures(CLI::App& app);
Action declare_index_retry(CLI::App& app);
Action declare_dups(CLI::App& app);
Action declare_match(CLI::App& app);
Action declare_cmp(CLI::App& app);
Action declare_transform(CLI::App& app);
Action declare_locate(CLI::App& app);
Action declare_extract(CLI::App& app);
Action declare_bench(CLI::App& app);
Action declare_status(CLI::App& app);
Action declare_watch_add(CLI::App& app);
Action declare_watch_rm(CLI::App& app);
Action declare_watch_ls(CLI::App& app);
Action declare_pause(CLI::App& app);
Action declare_resume(CLI::App& app);
Action declare_reload(CLI::App& app);
Action declare_rescan(CLI::App& app);
Action declare_doctor(CLI::App& app);

}  // namespace pairloom::cli
