// SideThread: does one thing at a time while its owner does another. Runs in: supervisor (the index's writer).
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/result.h"

namespace pairloom::index {

// All methods are for one thread, the owner's. The thread is started by the first job, with all signals
// blocked: they are the owner's business.
class SideThread {
 public:
  SideThread() = default;
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;
  ~SideThread();  // waits for the job's end

  // Returns at once (or, where no thread can be had, when it is done). To be called when it has no job.
  void begin(std::function<Result<>()> job);
  // A job was begun whose result nobody has taken.
  bool has_job() const { return has_job_; }
  bool is_busy();  // it has not ended
  // True within a job.
  bool is_this_thread() const { return std::this_thread::get_id() == thread_.get_id(); }
  // Waits for the job's end, and says how it went; success where there is none. take_result() says it for the last time.
  Result<> result();
  Result<> take_result();

 private:
  bool start();
  void work();

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<Result<>()> job_;  // empty: nothing to do
  Result<> result_;                // of the last one
  bool ends_ = false;
  bool has_job_ = false;  // the owner's
};

}  // namespace pairloom::index
