// pairloom decide: what a person says about duplicates, remembered.
#include "cli/verbs/decide.h"

#include <fmt/format.h>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "cli/decisions.h"
#include "cli/file_selection.h"
#include "cli/find_groups.h"
#include "cli/path_text.h"
#include "index/index_reader.h"

namespace pairloom::cli {
namespace {

struct DecideOptions {
  std::vector<std::string> words;  // the decision, then files or group ids; or files only
  std::string from;
  bool list = false, reset = false, all = false;
  GroupQuery groups;  // where group ids are looked up
  OutputFormat format = OutputFormat::kHuman;
};

struct Named {
  ContentKey key;
  std::string path;
  uint64_t files = 1;
};

bool is_group_id(const std::string& word) {
  return word.size() == 18 && word.starts_with("g-") &&
         word.find_first_not_of("0123456789abcdef", 2) == std::string::npos;
}

Result<Named> named(index::IndexReader& reader, index::ContentId id, const std::string& path) {
  PAIRLOOM_ASSIGN(const auto content, reader.content(id));
  if (!content) return fail(Errc::kInvalidArgument, fmt::format("'{}' went out of the index", escape_for_terminal(path)));
  PAIRLOOM_ASSIGN(const auto files, reader.files_of(id));
  return Named{{content->digest, content->size_bytes}, path, files.size()};
}

// One for each content: of files as they are in the index, and of all files of groups.
Result<std::vector<Named>> resolve(const std::vector<std::string>& words, const DecideOptions& options,
                                   index::IndexReader& reader, Session& session) {
  std::vector<Named> all;
  std::set<ContentKey> met;
  const auto add = [&](index::ContentId id, const std::string& path) -> Result<> {
    PAIRLOOM_ASSIGN(auto one, named(reader, id, path));
    if (met.insert(one.key).second) all.push_back(std::move(one));
    return {};
  };
  std::set<std::string> ids;
  for (const auto& word : words) {
    const std::string path = canonical_path(word);
    PAIRLOOM_ASSIGN(const auto file, reader.find_file(path));
    if (file && file->content != 0)
      PAIRLOOM_TRY(add(file->content, path));
    else if (is_group_id(word))
      ids.insert(word);
    else
      return fail(Errc::kInvalidArgument, fmt::format("'{}' is no image of the index, nor the id of a group",
                                                      escape_for_terminal(word)));
  }
  if (ids.empty()) return all;
  std::vector<std::pair<index::ContentId, std::string>> members;
  GroupQuery query = options.groups;
  query.filter.decided = true;
  PAIRLOOM_TRY(find_groups(reader, query, session, [&](const DuplicateGroup& group) {
    if (ids.erase(group.id) == 0) return;
    for (const auto& file : group.files) members.emplace_back(file.content, file.path);
  }));
  if (!ids.empty())
    return fail(Errc::kInvalidArgument, fmt::format("there is no group {} now; 'pairloom dups -o jsonl' lists them with "
                                                    "their ids",
                                                    *ids.begin()));
  for (const auto& [content, path] : members) PAIRLOOM_TRY(add(content, path));
  return all;
}

Result<ExitCode> list(const DecideOptions& options, Session& session) {
  PAIRLOOM_ASSIGN(const auto decisions, Decisions::load(Decisions::path_for(session.index)));
  for (const Decision& d : decisions.all()) {
    if (options.format == OutputFormat::kJsonl) {
      session.out.write(decision_line(d));
      continue;
    }
    std::string line = fmt::format("{:<8} {}", name_of(d.kind), escape_for_terminal(d.path_a));
    if (d.kind == Decision::Kind::kNotDuplicates) line += "  " + escape_for_terminal(d.path_b);
    session.out.write(line + "\n");
  }
  if (decisions.empty() && options.format == OutputFormat::kHuman) session.messages.note("nothing was decided yet");
  return ExitCode::kDone;
}

Result<ExitCode> reset(const DecideOptions& options, Session& session) {
  std::set<ContentKey> contents;
  if (options.words.empty() != options.all)
    return fail(Errc::kInvalidArgument, "--reset: name the files whose decisions are taken back, or --all");
  if (!options.all) {
    PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
    PAIRLOOM_ASSIGN(const auto files, resolve(options.words, options, reader, session));
    for (const auto& file : files) contents.insert(file.key);
  }
  PAIRLOOM_ASSIGN(const uint64_t removed, Decisions::reset(Decisions::path_for(session.index), contents));
  session.messages.note(fmt::format("{} {} taken back", removed, removed == 1 ? "decision" : "decisions"));
  return ExitCode::kDone;
}

Result<ExitCode> store(const std::vector<Decision>& decisions, Session& session) {
  PAIRLOOM_TRY(Decisions::append(Decisions::path_for(session.index), decisions));
  session.messages.note(fmt::format("{} {} remembered", decisions.size(), decisions.size() == 1 ? "decision" : "decisions"));
  return ExitCode::kDone;
}

Result<ExitCode> take_from(const DecideOptions& options, Session& session) {
  FileSelection list;
  list.files_from = options.from;
  PAIRLOOM_ASSIGN(const Fd fd, open_list(list));
  std::ifstream file(fmt::format("/proc/self/fd/{}", fd.get()), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  PAIRLOOM_ASSIGN(const auto decisions, Decisions::parse(text, options.from));
  return store(decisions.all(), session);
}

Result<ExitCode> decide(const DecideOptions& options, Session& session) {
  if (options.list + options.reset + !options.from.empty() > 1)
    return fail(Errc::kInvalidArgument, "--list, --reset and --from exclude each other");
  if (options.list) return list(options, session);
  if (options.reset) return reset(options, session);
  if (!options.from.empty()) return take_from(options, session);
  if (options.words.empty() || (options.words[0] != "not-dup" && options.words[0] != "keep"))
    return fail(Errc::kInvalidArgument, "say what is decided: not-dup or keep, then the files");
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  PAIRLOOM_ASSIGN(const auto files,
                  resolve({options.words.begin() + 1, options.words.end()}, options, reader, session));
  const int64_t now_ns = system_clock().wall_ns();
  std::vector<Decision> decisions;
  if (options.words[0] == "keep") {
    if (files.empty()) return fail(Errc::kInvalidArgument, "name the files to keep");
    for (const auto& file : files)
      decisions.push_back({Decision::Kind::kKeep, file.key, {}, file.files, file.path, "", now_ns});
    return store(decisions, session);
  }
  if (files.size() < 2)
    return fail(Errc::kInvalidArgument,
                "name at least two different pictures; of files with the same bytes, say: pairloom decide keep");
  for (size_t i = 0; i < files.size(); ++i)
    for (size_t j = i + 1; j < files.size(); ++j) {
      const bool in_order = files[i].key < files[j].key;
      const auto &a = files[in_order ? i : j], &b = files[in_order ? j : i];
      decisions.push_back({Decision::Kind::kNotDuplicates, a.key, b.key, 1, a.path, b.path, now_ns});
    }
  return store(decisions, session);
}

}  // namespace

Action declare_decide(CLI::App& app) {
  auto options = std::make_shared<DecideOptions>();
  add_paths(app, "WHAT", options->words,
            "not-dup or keep, then images of the index, or ids of groups (dups -o jsonl). not-dup: no two of them are "
            "duplicates. keep: each of them stays");
  app.add_flag("--list", options->list, "List what was decided")->group("Instead");
  app.add_flag("--reset", options->reset, "Take back what was decided about these images")->group("Instead");
  app.add_flag("--all", options->all, "With --reset: everything")->group("Instead");
  add_text(app, "--from", options->from, "FILE", "Take over decisions from --list -o jsonl; - reads standard input")
      ->group("Instead");
  add_similarity_options(app, options->groups.similarity);
  add_output_option(app, options->format, {OutputFormat::kHuman, OutputFormat::kJsonl});
  return [options](Session& session) { return decide(*options, session); };
}

}  // namespace pairloom::cli
