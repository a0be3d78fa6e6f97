// An indexing run as JSON lines: what a client of the daemon hears of it while it goes on, and at its end. Both ways, so
// that `pairloom` says the same whether the run is its own or the daemon's. Runs in: supervisor (writes), cli (reads).
#pragma once

#include <optional>
#include <string_view>

#include "daemon/index_run.h"
#include "base/json_text.h"

namespace pairloom::daemon {

// {"type": "progress" | "problem" | "summary" | "error", ..}
Json to_json(const Progress& progress);
Json to_json(const Problem& problem);
Json to_json(const RunSummary& summary);
Json to_json(const Error& error);

// Fields that are missing or of another kind keep their defaults: the daemon may be of another version.
Progress progress_from_json(const Json& record);
Problem problem_from_json(const Json& record);
RunSummary summary_from_json(const Json& record);
Error error_from_json(const Json& record);

// "invalid_argument", "index_locked" ..: words that do not change.
std::string_view name_of(Errc code);
Errc errc_from_name(std::string_view name);  // unknown: kIo

// The request of `pairloom index add` and `update`; docs/control.md lists the keys. What a client may not choose (the
// pool's programs, the number of workers, descriptors) is not in it.
Json to_json(const IndexRequest& request);
// kInvalidArgument: an unknown key, a value of another kind or out of range, a root that is not absolute.
Result<IndexRequest> index_request_from_json(const Json& arguments);

}  // namespace pairloom::daemon
