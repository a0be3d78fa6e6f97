// Decisions outlive the index they were made in: text beside it, that bears anything.
#include <gmock/gmock.h>

#include <fstream>

#include "index/decisions.h"
#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Decisions : public IndexTest {
 protected:
  std::vector<std::string> roots() const {
    std::vector<std::string> all;
    for (const Decision& decision : value(read_decisions(path())))
      if (decision.kind == "root") all.emplace_back(decision.value("path"));
    return all;
  }
  void append_text(const std::string& text) const { std::ofstream(decisions_path(path()), std::ios::app) << text; }
};

TEST_F(Decisions, AreNoneWithoutAFile) {
  EXPECT_THAT(value(read_decisions(path())), IsEmpty());
}

TEST_F(Decisions, KeepBytesThatAreNoText) {
  const std::string odd("/a\n\xFF\0b", 6);
  value(append_decision(path(), {"root", {{"path", "/photos"}}}));
  value(append_decision(path(), {"root", {{"path", odd}}}));
  EXPECT_THAT(roots(), ElementsAre("/photos", odd));
}

TEST_F(Decisions, AreReadPastLinesThatAreNone) {
  value(append_decision(path(), {"root", {{"path", "/a"}}}));
  append_text("no json\n[1,2]\n{\"decision\":7}\n{\"decision\":\"root\",\"path\":{\"bytes\":\"*\"}}\n\n");
  append_text("{\"decision\":\"root\",\"pa");  // a process was killed here
  value(append_decision(path(), {"root", {{"path", "/b"}}}));
  EXPECT_THAT(roots(), ElementsAre("/a", "/b"));
}

TEST_F(Decisions, ManyFitMoreThanABuffer) {
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    expected.push_back("/" + std::string(5000, static_cast<char>('a' + i % 26)));
    value(append_decision(path(), {"root", {{"path", expected.back()}}}));
  }
  EXPECT_EQ(roots(), expected);
}

TEST_F(Decisions, RootsAreWrittenDownOnce) {
  auto writer = open_writer();
  for (int i = 0; i < 2; ++i) value(writer.note_root("/photos", 1));
  value(writer.commit());
  EXPECT_THAT(roots(), ElementsAre("/photos"));
}

TEST_F(Decisions, OfAnOlderIndexAreWrittenDownWhenItIsOpened) {
  {
    auto writer = open_writer();
    value(writer.note_root("/photos", 1));
    value(writer.commit());
  }
  std::filesystem::remove(decisions_path(path()));
  open_writer();
  EXPECT_THAT(roots(), ElementsAre("/photos"));
}

}  // namespace
}  // namespace pairloom::index
