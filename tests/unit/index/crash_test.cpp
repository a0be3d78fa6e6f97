// The writer is ended at every single system call that changes a file. What was durable is there, and all else is as if
// the unfinished step had never begun, or had been completed: never in between.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "scenario.h"
#include "syscall_faults.h"

namespace pairloom::index {
namespace {

using testing::AnyOf;
using testing::IsEmpty;

class Crash : public ScenarioTest {
 protected:
  Crash() {
    void* memory = ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap failed");
    reached_ = new (memory) std::atomic<int>(-1);
  }
  ~Crash() override { ::munmap(reached_, sizeof(std::atomic<int>)); }

  // Plays in a child that ends at its `nth` call, or after `last_stage`. Returns its exit status.
  int play_in_child(uint64_t nth, int last_stage = kStages) {
    start_over();
    *reached_ = -1;
    const pid_t child = ::fork();
    if (child == 0) {
      if (nth > 0) faults::arm(faults::Effect::kExit, nth);
      const auto played = play([&](int stage) {
        *reached_ = stage;
        if (stage == last_stage) ::_exit(0);
      });
      ::_exit(played ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::atomic<int>* reached_;  // last stage the child completed
};

TEST_F(Crash, AtEverySystemCallLosesNothingThatWasDurable) {
  std::vector<std::string> pictures;
  for (int stage = 0; stage < kStages; ++stage) {
    ASSERT_EQ(play_in_child(0, stage), 0);
    pictures.push_back(picture());
    ASSERT_THAT(problems(), IsEmpty()) << "after stage " << stage;
  }
  uint64_t nth = 1;
  for (int status = faults::kExitStatus; status == faults::kExitStatus; ++nth) {
    status = play_in_child(nth);
    ASSERT_THAT(status, AnyOf(0, faults::kExitStatus)) << "at call " << nth;
    const int reached = *reached_;
    if (reached < 0) {  // not even created: a writer must get on with what there is
      value(IndexWriter::open(path(), "test"));
    } else {
      const std::string now = picture();
      const auto next = static_cast<size_t>(std::min(reached + 1, kStages - 1));
      ASSERT_TRUE(now == pictures[static_cast<size_t>(reached)] || now == pictures[next])
          << "at call " << nth << " after stage " << reached << ":\n"
          << now;
    }
    ASSERT_THAT(problems(), IsEmpty()) << "at call " << nth << " after stage " << reached;
  }
  EXPECT_GT(nth, 50u);  // the calls were really counted
}

}  // namespace
}  // namespace pairloom::index
