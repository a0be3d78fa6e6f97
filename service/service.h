// Service: pairloomd's main loop. One thread, one epoll set: what is due is looked at by the indexing job on the pool of
// workers, new codes are paired when it has become quiet, and everything else (events of watchers, signals, mounts) is
// served in between, also while a run is under way. Runs in: supervisor.
#pragma once

#include <sys/types.h>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "daemon/control_channel.h"
#include "daemon/control_handler.h"
#include "daemon/index_run.h"
#include "daemon/pool.h"
#include "index/index_writer.h"
#include "service/back_off.h"
#include "service/config.h"
#include "service/journal.h"
#include "service/notifier.h"
#include "service/pressure.h"
#include "service/watch_source.h"
#include "watch/mount_table.h"
#include "watch/return_watch.h"
#include "watch/watch_budget.h"

namespace pairloom::service {

class Service final : private daemon::ControlHandler {
 public:
  // `config_path` is read again at each reload. Programs of the pool: empty = found beside this one.
  Service(std::string config_path, Config config, Journal& journal, const Clock& clock = system_clock());
  ~Service() override;
  Service(const Service&) = delete;

  // Until SIGTERM or SIGINT; then everything finished is committed. An error is one that nobody but the user can put
  // right.
  Result<> run();

  daemon::DaemonStatus status() override;

 private:
  // --- what clients ask for
  struct Request {
    daemon::IndexCommand command;
    daemon::IndexReply reply;
  };
  Result<> pause(const daemon::ControlPeer& peer) override;
  Result<> resume(const daemon::ControlPeer& peer) override;
  Result<> reload(const daemon::ControlPeer& peer) override;
  Result<> rescan(const daemon::ControlPeer& peer, const std::vector<std::string>& paths) override;
  Result<> watch_add(const daemon::ControlPeer& peer, daemon::WatchCommand command) override;
  Result<> watch_remove(const daemon::ControlPeer& peer, const std::string& path) override;
  void index(const daemon::ControlPeer& peer, daemon::IndexCommand command, daemon::IndexReply reply) override;
  Result<> start_control();
  Result<> set_paused(bool paused);
  Result<> serve_request();
  WatchedRoot* root_named(const std::string& path);
  void fill_workers(daemon::DaemonStatus& status);
  std::string watch_list_path() const { return config_.index + "-roots.toml"; }
  std::string pause_path() const { return config_.index + "-paused"; }

  // --- start and end
  Result<> start();
  Result<> open_index();
  Result<> wait_for_writer(const Error& locked);
  void stop();
  void mind_manners();
  void watch_pressure();

  // --- roots
  void adopt_roots();
  Result<> check_roots();
  void on_mounts();
  void on_returns();
  void say_how(const WatchedRoot& root);

  // --- work
  bool is_held() const;
  Result<> work();
  Result<> look_at_what_is_due();
  Result<> pair();
  bool is_paused() const;
  void rest();
  Result<> endure(const Result<>& done);
  void end_run();
  daemon::Pool::Surroundings surroundings();
  Result<> need_pool();
  void drop_pool();
  void note_problem(const daemon::Problem& problem);
  void tell_of_more_problems();
  void count_workers();

  // --- events
  Result<> wait(bool block);
  void on_event(int fd);
  void on_pressure(const Pressure& pressure);
  void on_signals();
  Result<> listen_to(int fd, uint32_t events);
  void set_timer();
  int64_t next_wake_ns() const;
  void note_progress(uint64_t mark);
  void feed_watchdog(int64_t now_ns);

  // --- reload
  void reload_now();
  Result<Config> read_new_config() const;
  void adopt(Config config);

  // --- saying
  void tell_status();
  std::string status_line() const;

  std::string config_path_;
  Config config_;
  Journal& journal_;
  const Clock& clock_;
  Notifier notifier_;
  int64_t started_wall_ns_, started_ns_;

  Fd epoll_, signals_, timer_;
  std::optional<watch::MountTable> mounts_;
  std::optional<watch::ReturnWatch> returns_;  // of roots that are offline
  std::optional<index::IndexWriter> index_;
  watch::WatchBudget budget_;
  Surveillance surveillance_;
  WatchSource source_;
  std::optional<daemon::Pool> pool_;
  daemon::IndexRequest request_;

  bool stopping_ = false, reload_wanted_ = false, paused_ = false;
  std::vector<RootConfig> added_roots_;  // by clients
  std::deque<Request> requests_;
  daemon::DaemonStatus::State state_ = daemon::DaemonStatus::State::kStarting;
  std::string config_problem_, last_error_;
  int64_t last_error_wall_ns_ = 0;

  // The row of the run table that work is put down to: a new one after each complete walk.
  std::optional<index::RunId> run_, last_run_;  // of the moment; and when there is none, the one before
  index::RunTotals run_totals_;
  std::vector<index::WorkerTotals> run_workers_, pool_counted_;
  daemon::DaemonStatus::Totals totals_;
  std::optional<daemon::Progress> progress_;
  std::map<std::string, std::string> said_of_roots_;
  uint64_t problems_told_ = 0, problems_untold_ = 0;  // up to ..
  int64_t problems_until_ns_ = 0;

  std::vector<Pressure> pressures_;
  BackOff back_off_;
  std::string pressed_by_;

  int64_t pair_at_ns_ = -1, unpaired_since_ns_ = -1;
  int64_t pool_idle_at_ns_ = -1;
  int64_t retry_at_ns_ = -1, retry_pause_ns_ = 0;
  int64_t next_feed_ns_ = -1, last_progress_ns_ = 0;
  uint64_t progress_mark_ = 0;

  // The workers' pace, between two looks at the status.
  std::vector<index::WorkerTotals> paced_;
  std::vector<double> pace_;
  int64_t paced_at_ns_ = 0;

  std::optional<daemon::ControlChannel> control_;  // last: it calls the rest
};

}  // namespace pairloom::service
