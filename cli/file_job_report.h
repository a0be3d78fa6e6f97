// FileJobReport: what a person sees of a job that takes a file a task (match --method, extract ...): progress, files
// that could not be used, the lines at the end, and the exit code. Runs in: cli, which is the supervisor then.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/exit_code.h"
#include "cli/progress_bar.h"
#include "cli/session.h"
#include "daemon/file_job.h"

namespace pairloom::cli {

class FileJobReport {
 public:
  // Watches the job while it lives; borrows the session.
  explicit FileJobReport(Session& session);
  ~FileJobReport();
  FileJobReport(const FileJobReport&) = delete;
  FileJobReport& operator=(const FileJobReport&) = delete;

  daemon::RunObserver observer();
  // For the sink. A result for standard output, whole records; an error once nobody reads them any more.
  Result<> row(std::string_view record);
  // A file that could not be used; the first of them are told one by one.
  void failed(const std::string& path, Outcome outcome, const std::string& message);
  // The file was used, but its decoder warned.
  void damaged(const std::string& path, const std::string& message);
  ExitCode finish(const daemon::FileJobSummary& summary);

 private:
  void warn(const std::string& text);

  Session& session_;
  ProgressBar bar_;
  uint64_t warnings_ = 0;
};

}  // namespace pairloom::cli
