#include "cli/group_filter.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <set>

#include "base/text.h"
#include "cli/path_text.h"
#include "index/pairing_store.h"

namespace pairloom::cli {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

bool lies_under_one(const std::string& path, const std::vector<std::string>& roots) {
  return std::any_of(roots.begin(), roots.end(), [&](const auto& root) { return lies_under(path, root); });
}

std::string_view directory_of(const std::string& path) {
  return std::string_view(path).substr(0, path.rfind('/'));
}

// The first run that began at that time or later; none: a number that no run has.
Result<index::RunId> first_run_since(index::IndexReader& reader, int64_t time_ns) {
  index::RunId first = INT64_MAX;
  PAIRLOOM_TRY(reader.visit_runs([&](const index::RunRow& run) -> Result<> {
    if (run.started_ns >= time_ns) first = std::min(first, run.id);
    return {};
  }));
  return first;
}

// The last run that found a file new, changed or moved.
Result<index::RunId> last_run_with_news(index::IndexReader& reader) {
  index::RunId last = INT64_MAX;
  PAIRLOOM_TRY(reader.visit_runs([&](const index::RunRow& run) -> Result<> {  // newest first
    if (last == INT64_MAX && run.totals.indexed + run.totals.moved > 0) last = run.id;
    return {};
  }));
  return last;
}

}  // namespace

Result<int64_t> time_from_text(std::string_view text, int64_t now_ns) {
  const auto bad = [&] {
    return fail(Errc::kInvalidArgument, fmt::format("'{}' is no time; write 2026-05-01, 2026-05-01T18:30 (UTC), 7d, 12h or 30m",
                                                    escape_for_terminal(text)));
  };
  if (text.empty()) return bad();
  const int64_t unit = text.back() == 'd' ? 86'400 : text.back() == 'h' ? 3'600 : text.back() == 'm' ? 60 : 0;
  if (unit != 0) {
    int64_t count = 0;
    const char* end = text.data() + text.size() - 1;
    const auto [stopped, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc() || stopped != end || count < 0 || count > 100'000'000) return bad();
    return now_ns - count * unit * kSecondNs;
  }
  std::string rest(text);
  if (rest.ends_with('Z')) rest.pop_back();
  std::tm tm{};
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"}) {
    tm = {};
    const char* end = ::strptime(rest.c_str(), format, &tm);
    if (end == nullptr || *end != '\0') continue;
    const std::tm asked = tm;
    const int64_t seconds = std::clamp<int64_t>(::timegm(&tm), INT64_MIN / kSecondNs, INT64_MAX / kSecondNs);
    if (asked.tm_mday != tm.tm_mday || asked.tm_mon != tm.tm_mon) return bad();  // the 30th of February
    return seconds * kSecondNs;
  }
  return bad();
}

void add_filter_options(CLI::App& app, GroupFilter& into) {
  const char* group = "Which groups";
  add_list(app, "--reference", into.references, "DIR",
           "Originals lie there: only groups with a file there and one elsewhere, and those there are kept; may be "
           "repeated")
      ->group(group);
  using Roots = GroupFilter::Roots;
  add_choice<Roots>(app, "--roots", into.roots,
                    {{"any", Roots::kAny}, {"within", Roots::kWithin}, {"across", Roots::kAcross}}, "WHICH",
                    "Groups within one PATH (or, without PATH, one indexed directory), or across several")
      ->group(group);
  app.add_flag("--isolate", into.isolate, "Short for --roots across: what lies below one PATH is no duplicate by itself")
      ->group(group);
  using Same = GroupFilter::SameDirectory;
  add_choice<Same>(app, "--same-dir", into.same_directory,
                   {{"all", Same::kAll}, {"hide", Same::kHide}, {"only", Same::kOnly}}, "HOW",
                   "Groups whose files all lie in one directory, as bursts do: hide them, or show only them")
      ->group(group);
  add_text(app, "--since", into.since, "TIME",
           "Only groups with a file that was found new, changed or moved since: 2026-05-01, 2026-05-01T18:30 (UTC), 7d, 12h")
      ->group(group);
  app.add_flag("--new-only", into.new_only, "Only groups with a file that came in the last run that brought any")
      ->group(group);
  app.add_flag("--decided", into.decided, "Also groups about which all was decided (pairloom decide)")->group(group);
}

Result<GroupSieve> GroupSieve::make(const GroupFilter& filter, index::IndexReader& reader,
                                    const std::string& index_path, int64_t now_ns) {
  GroupSieve sieve(filter);
  auto& f = sieve.filter_;
  for (auto& reference : f.references) reference = canonical_path(reference);
  if (f.isolate) f.roots = GroupFilter::Roots::kAcross;
  if (f.roots != GroupFilter::Roots::kAny) {
    sieve.roots_ = f.under;
    if (sieve.roots_.empty()) {
      PAIRLOOM_ASSIGN(const auto roots, reader.roots());
      for (const auto& root : roots) sieve.roots_.push_back(canonical_path(root.path));
    }
    std::sort(sieve.roots_.begin(), sieve.roots_.end(),
              [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }
  index::RunId first_run = 0;
  if (!f.since.empty()) {
    PAIRLOOM_ASSIGN(const int64_t time_ns, time_from_text(f.since, now_ns));
    PAIRLOOM_ASSIGN(first_run, first_run_since(reader, time_ns));
  }
  if (f.new_only) {
    PAIRLOOM_ASSIGN(const index::RunId last, last_run_with_news(reader));
    first_run = std::max(first_run, last);
  }
  if (first_run != 0) {
    PAIRLOOM_ASSIGN(auto store, index::PairingStore::open(index_path));
    PAIRLOOM_ASSIGN(sieve.new_contents_, store.contents_since(first_run));
  }
  return sieve;
}

bool GroupSieve::is_reference(const std::string& path) const {
  return lies_under_one(path, filter_.references);
}

bool GroupSieve::lie_as_wanted(const std::vector<GroupFile>& files) const {
  if (filter_.roots != GroupFilter::Roots::kAny) {
    std::set<size_t> met;  // files below none of the roots count as below one more
    for (const auto& file : files)
      met.insert(static_cast<size_t>(
          std::find_if(roots_.begin(), roots_.end(), [&](const auto& root) { return lies_under(file.path, root); }) -
          roots_.begin()));
    if ((met.size() > 1) != (filter_.roots == GroupFilter::Roots::kAcross)) return false;
  }
  if (filter_.same_directory == GroupFilter::SameDirectory::kAll) return true;
  const bool same = std::all_of(files.begin(), files.end(), [&](const auto& file) {
    return directory_of(file.path) == directory_of(files.front().path);
  });
  return same == (filter_.same_directory == GroupFilter::SameDirectory::kOnly);
}

bool GroupSieve::lets_pass(const DuplicateGroup& group) const {
  const auto& files = group.files;
  const auto any = [&](auto condition) { return std::any_of(files.begin(), files.end(), condition); };
  if (files.size() < 2) return false;
  if (!filter_.under.empty() && !any([&](const auto& file) { return lies_under_one(file.path, filter_.under); }))
    return false;
  if (!filter_.references.empty() && (!any([](const auto& file) { return file.reference; }) ||
                                      !any([](const auto& file) { return !file.reference; })))
    return false;
  if (!filter_.decided && !any([](const auto& file) { return !file.decided; })) return false;
  if (new_contents_ && !any([&](const auto& file) {
        return std::binary_search(new_contents_->begin(), new_contents_->end(), file.content);
      }))
    return false;
  return lie_as_wanted(files);
}

}  // namespace pairloom::cli
