// Roots outlive the index they were added to: text beside it, that bears anything.
#include <gmock/gmock.h>

#include <fstream>

#include "index/kept_roots.h"
#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class KeptRoots : public IndexTest {
 protected:
  std::vector<std::string> roots() const {
    return value(kept_roots(path()));
  }
  void append_text(const std::string& text) const { std::ofstream(kept_roots_path(path()), std::ios::app) << text; }
};

TEST_F(KeptRoots, AreNoneWithoutAFile) {
  EXPECT_THAT(roots(), IsEmpty());
}

TEST_F(KeptRoots, KeepBytesThatAreNoText) {
  const std::string odd("/a\n\xFF\0b", 6);
  value(keep_root(path(), "/photos"));
  value(keep_root(path(), odd));
  EXPECT_THAT(roots(), ElementsAre("/photos", odd));
}

TEST_F(KeptRoots, AreReadPastLinesThatAreNone) {
  value(keep_root(path(), "/a"));
  append_text("no json\n[1,2]\n{\"root\":7}\n{\"root\":{\"bytes\":\"*\"}}\n\n");
  append_text("{\"root\":{\"te");  // a process was killed here
  value(keep_root(path(), "/b"));
  EXPECT_THAT(roots(), ElementsAre("/a", "/b"));
}

TEST_F(KeptRoots, ManyFitMoreThanABuffer) {
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    expected.push_back("/" + std::string(5000, static_cast<char>('a' + i % 26)));
    value(keep_root(path(), expected.back()));
  }
  EXPECT_EQ(roots(), expected);
}

TEST_F(KeptRoots, AreWrittenDownOnce) {
  auto writer = open_writer();
  for (int i = 0; i < 2; ++i) value(writer.note_root("/photos", 1));
  value(writer.commit());
  EXPECT_THAT(roots(), ElementsAre("/photos"));
}

TEST_F(KeptRoots, OfAnOlderIndexAreWrittenDownWhenItIsOpened) {
  {
    auto writer = open_writer();
    value(writer.note_root("/photos", 1));
    value(writer.commit());
  }
  std::filesystem::remove(kept_roots_path(path()));
  open_writer();
  EXPECT_THAT(roots(), ElementsAre("/photos"));
}

}  // namespace
}  // namespace pairloom::index
