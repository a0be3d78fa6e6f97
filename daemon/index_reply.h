// IndexReply: the answer to a client that asked the daemon to index something. Runs in: supervisor.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "daemon/index_run.h"

namespace pairloom::daemon {

// One client's indexing request, which is answered while it is worked on. The daemon keeps it until it has called
// finish() or fail(); destroying it before that tells the client that the daemon gave up. All calls return at once and
// may come at any time, also after the client or the control process has gone.
class IndexReply {
 public:
  // Where it goes: the channel, or a test.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void line(const std::string& text, bool may_be_left_out) = 0;
    virtual void end() = 0;  // nothing follows
    virtual bool stop_requested() const = 0;
  };
  explicit IndexReply(std::shared_ptr<Sink> sink);
  IndexReply(IndexReply&&) noexcept;
  IndexReply& operator=(IndexReply&&) noexcept;
  ~IndexReply();

  // As the callbacks of RunObserver. Lines that a slow client has no room for are left out; the end is never.
  void progress(const Progress& progress);
  void problem(const Problem& problem);
  // True when nobody waits for the answer, or the client asked to stop: interrupt the run as SIGINT would in the
  // foreground, and finish() with totals.interrupted.
  bool stop_requested() const;

  // One of the two, once.
  void finish(const RunSummary& summary);
  void fail(const Error& error);

 private:
  std::shared_ptr<Sink> sink_;
};

}  // namespace pairloom::daemon
