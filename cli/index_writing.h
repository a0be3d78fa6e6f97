// Opening the index to write what can be made again from the images: a damaged one is no reason to stop. Runs in: cli,
// which is the supervisor then.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/session.h"
#include "index/index_writer.h"

namespace pairloom::cli {

using IndexWork = std::function<Result<ExitCode>(index::IndexWriter&)>;

// Does `work` on the index of the session. One that is damaged, as it shows when it is opened or in the midst of the
// work, is set aside, which is said, and the work begins again on a new one; `repeatable`: it can (a list of files on
// standard input is read once only). `program` names this process to others that want to write.
Result<ExitCode> write_index(Session& session, const std::string& program, bool repeatable, const IndexWork& work);

// For verbs that make no index: the error of one that is not there, or is none. One of an older pairloom is there: the
// writer brings it up to date.
Result<> require_index(const std::string& path);

}  // namespace pairloom::cli
