// Indexing: the job that brings an index up to date with what a file source reports. Drops what is unchanged,
// recognises what was moved, has the rest extracted by workers, tombstones what is gone. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "daemon/file_batch.h"
#include "daemon/index_run.h"
#include "daemon/job.h"
#include "index/index_writer.h"

namespace pairloom::daemon {

class Indexing final : public Job {
 public:
  // All references must outlive the job. `problem` hears of every path the user should know about.
  static Result<Indexing> create(index::IndexWriter& index, index::RunId run, const IndexRequest& request,
                                 FileSource& source, std::function<void(const Problem&)> problem);

  jobs::JobKind kind() const override { return jobs::JobKind::kIndex; }
  std::vector<std::byte> setup() const override;
  std::string_view file_of(const Task& task) const override { return path_in(task); }
  uint64_t max_result_bytes() const override;
  Result<Pull> pull(Task& task) override;
  int wait_fd() const override { return source_->wait_fd(); }
  Result<> accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) override;
  Result<> blame(const Task& task, uint32_t points) override;
  Result<> give_up(const Task& task, Outcome outcome, const std::string& reason) override;
  Result<> tick(int64_t now_ns) override;
  int64_t next_tick_ns() const override { return commit_at_ns_; }

  // To be asked when the pool has run the job: true when files changed while they were read. They have had time to
  // settle; the pool is to run the job once more, for them. What changes again is stored as changed.
  bool looks_again();

  const index::RunTotals& totals() const { return totals_; }
  uint64_t tasks_found() const { return next_task_; }
  uint64_t tasks_done() const { return tasks_done_; }
  bool found_all() const { return ended_; }

 private:
  Indexing(index::IndexWriter& index, index::RunId run, const IndexRequest& request, FileSource& source,
           std::function<void(const Problem&)> problem, bool check_codes, bool look_for_moved);

  // Where the walk is.
  struct At {
    index::KnownDirectory directory;
    bool same_filesystem = true;          // as when its files were indexed: only then can a file be gone
    bool any_match = false;               // a known file was met again here
    std::vector<index::KnownFile> known;  // scratch for take_whole_directory
    std::unordered_set<uint64_t> seen;    // hashes of names, when it comes in several
  };
  // A file handed out, whose path the task carries.
  struct InHand {
    index::DirectoryId directory;
    StatIdentity identity;
    bool is_guess = false;  // FoundFile
    bool again = false;     // it was reported, or was gone, after it was handed out
  };

  Result<Pull> find_more();
  Result<> take_batch(const FileBatch& batch);
  Result<> take_whole_directory(const FileBatch& batch);
  Result<> take_part_of_directory(const FileBatch& batch);
  Result<> end_directory(const FileBatch& batch);
  Result<> take_file(const FileBatch& batch, const FoundFile& file, const index::KnownFile* known);
  Result<bool> take_moved(const FileBatch& batch, const FoundFile& file);
  uint64_t& count_of(Outcome outcome, uint64_t& when_indexed);
  bool is_settled(const index::KnownFile& known, const StatIdentity& now) const;
  // As the walk saw it; as it is now, if the walk did not look.
  StatIdentity identity_of_file(const Task& task) const;
  Result<> take_absent(const FileBatch& batch);
  Result<> forget_directory(const index::KnownDirectory& child);
  Result<> forget_file(const std::string& name);
  // Whether a worker has this file; if so, it will be looked at again.
  bool mark_in_hand(const std::string& path);
  void look_again_at_all_in_hand();
  void take_out_of_hand(std::unordered_map<uint64_t, InHand>::iterator file, const Task& task);
  Result<> drop_absent(const Task& task);
  // `worker`: the slot whose result it is; none: it was given up.
  Result<> store(const Task& task, index::FileResult result, std::optional<uint32_t> worker);

  index::IndexWriter* index_;
  index::RunId run_;
  const IndexRequest* request_;
  FileSource* source_;
  std::function<void(const Problem&)> problem_;
  bool check_codes_;     // some content lacks a code that is asked for: look at each file's
  bool look_for_moved_;  // the index had something in it before this run
  bool ended_ = false;
  At at_;
  std::deque<Task> found_;  // and not handed out yet
  std::deque<Task> changed_;    // while they were read, in the first look
  bool second_look_ = false;
  std::unordered_map<uint64_t, InHand> in_hand_;
  std::unordered_map<std::string, uint64_t> in_hand_by_path_;  // of a source that is watching
  uint64_t next_task_ = 0, tasks_done_ = 0;
  index::RunTotals totals_;
  int64_t commit_at_ns_ = -1;
};

}  // namespace pairloom::daemon
