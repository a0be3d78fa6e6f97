#include "index/side_thread.h"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace pairloom::index {

SideThread::~SideThread() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// Before there is a job: within one, the thread asks for its own id.
bool SideThread::start() {
  if (thread_.joinable()) return true;
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error&) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread_.joinable();
}

void SideThread::begin(std::function<Result<>()> job) {
  if (start()) {
    const std::scoped_lock lock(mutex_);
    job_ = std::move(job);
  } else {
    result_ = job();
  }
  has_job_ = true;
  changed_.notify_all();
}

bool SideThread::is_busy() {
  const std::scoped_lock lock(mutex_);
  return job_ != nullptr;
}

Result<> SideThread::result() {
  if (!has_job_) return {};
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_; });
  return result_;
}

Result<> SideThread::take_result() {
  Result<> result = this->result();
  has_job_ = false;
  return result;
}

void SideThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return job_ || ends_; });
    if (!job_) return;
    lock.unlock();
    Result<> result = job_();
    lock.lock();
    result_ = std::move(result);
    job_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace pairloom::index
