// What is decided is remembered, whatever happens to the file it is remembered in.
#include "cli/decisions.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/decided_edges.h"
#include "tests/support/temp_dir.h"

namespace pairloom::cli {
namespace {

using testing::HasSubstr;
using search::Edge;

ContentKey key(uint64_t n) {
  return {{n, ~n}, 100 + n};
}
Decision not_duplicates(uint64_t a, uint64_t b) {
  return {Decision::Kind::kNotDuplicates, key(a), key(b), 1, "/p/a\n", std::string("/p/\xff"), 1'700'000'000'000'000'000};
}
Decision keep(uint64_t a, uint64_t files) {
  return {Decision::Kind::kKeep, key(a), {}, files, "/p/kept", "", 0};
}

class DecisionsTest : public testing::Test {
 protected:
  Decisions load() const { return Decisions::load(path_).value(); }
  std::string text() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  void append(std::vector<Decision> decisions) const { ASSERT_TRUE(Decisions::append(path_, decisions)); }

  test::TempDir dir_;
  std::string path_ = dir_ / "index.db-decisions";
};

TEST_F(DecisionsTest, ThereAreNoneWithoutAFile) {
  EXPECT_TRUE(load().empty());
  EXPECT_FALSE(std::filesystem::exists(path_)) << "reading makes none";
}

TEST_F(DecisionsTest, ComeBackAsTheyWere) {
  append({not_duplicates(2, 1), keep(3, 2)});
  append({not_duplicates(1, 2)});  // the same again
  const auto all = load().all();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].a, std::min(key(1), key(2)));
  EXPECT_EQ(all[0].b, std::max(key(1), key(2)));
  EXPECT_EQ(all[0].path_a + all[0].path_b, not_duplicates(1, 2).path_a + not_duplicates(1, 2).path_b);
  EXPECT_EQ(load().files_to_keep(key(3)), 2u);
  EXPECT_EQ(load().files_to_keep(key(1)), 0u);
}

TEST_F(DecisionsTest, ATornLastLineIsPassedOverAndReplaced) {
  append({not_duplicates(1, 2)});
  const std::string whole = text();
  append({keep(3, 1)});
  const std::string longer = text();
  for (size_t length = whole.size(); length < longer.size(); ++length) {  // a crash at every byte
    write(longer.substr(0, length));
    ASSERT_EQ(load().distinct().size(), 1u) << length;
    append({keep(4, 1)});
    ASSERT_EQ(load().distinct().size(), 1u) << length;
    ASSERT_EQ(load().files_to_keep(key(4)), 1u) << length;
  }
}

TEST_F(DecisionsTest, AnEditorMayLeaveOutTheLastNewline) {
  append({keep(3, 1)});
  std::string edited = text();
  edited.pop_back();
  write(edited);
  EXPECT_EQ(load().files_to_keep(key(3)), 1u);
  append({keep(4, 1)});
  EXPECT_EQ(load().files_to_keep(key(3)), 1u);
  EXPECT_EQ(load().files_to_keep(key(4)), 1u);
}

TEST_F(DecisionsTest, ADamagedLineIsNamedAndNothingIsAddedBehindIt) {
  append({not_duplicates(1, 2)});
  const std::string good = text();
  for (const char* line : {"nonsense", "{\"type\":\"decision\"}", "{\"type\":\"decision\",\"decision\":\"drop\"}",
                           "{\"type\":\"decision\",\"decision\":\"keep\",\"a\":{\"digest\":\"12\",\"bytes\":1}}",
                           "{\"type\":\"decision\",\"decision\":\"keep\",\"a\":{\"digest\":7,\"bytes\":-1}}"}) {
    write(good + line + "\n" + decision_line(keep(3, 1)));
    const auto loaded = Decisions::load(path_);
    ASSERT_FALSE(loaded) << line;
    EXPECT_THAT(loaded.error().message, HasSubstr("line 3")) << line;
    EXPECT_FALSE(Decisions::append(path_, std::vector{keep(4, 1)}));
  }
}

TEST_F(DecisionsTest, AreTakenBack) {
  append({not_duplicates(1, 2), not_duplicates(1, 3), not_duplicates(2, 3), keep(1, 1)});
  EXPECT_EQ(Decisions::reset(path_, {key(1), key(2)}).value(), 2u) << "the pair, and what was said of the first alone";
  EXPECT_EQ(load().distinct().size(), 2u);
  EXPECT_EQ(Decisions::reset(path_, {key(3)}).value(), 2u);
  EXPECT_TRUE(load().empty());
  append({keep(1, 1)});
  EXPECT_EQ(Decisions::reset(path_, {}).value(), 1u);
  EXPECT_TRUE(load().empty());
}

using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;
std::vector<Edge> without(const Pairs& decided, std::vector<Edge> edges) {
  take_out_pairs(decided, edges);
  std::sort(edges.begin(), edges.end(), [](const Edge& x, const Edge& y) { return std::tie(x.a, x.b) < std::tie(y.a, y.b); });
  return edges;
}

TEST(DecidedEdges, GoAndOthersStay) {
  EXPECT_EQ(without({{1, 2}}, {{1, 2, 5}, {2, 3, 5}, {1, 3, 9}}).size(), 2u);
  EXPECT_EQ(without({}, {{1, 2, 5}}).size(), 1u);
}

TEST(DecidedEdges, OneOfSeveralEqualCodesKeepsItsOtherNeighbours) {
  // 1 and 2 have equal codes; 1 speaks for both, so only it has an edge to 3. It was decided that 1 and 2 are none.
  const auto left = without({{1, 2}}, {{1, 2, 0}, {1, 3, 5}});
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].b, 3u);
  EXPECT_EQ(left[1].a, 2u);
  EXPECT_EQ(left[1].b, 3u);
  EXPECT_EQ(left[1].distance, 5u);
}

TEST(DecidedEdges, EqualsOfOneThatWasDecidedAboutKeepTheirNeighbours) {
  // 1 speaks for 2. It was decided that 1 and 3 are none; that says nothing of 2 and 3.
  const auto left = without({{1, 3}}, {{1, 2, 0}, {1, 3, 5}});
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].b, 2u);
  EXPECT_EQ(left[1].a, 2u);
  EXPECT_EQ(left[1].b, 3u);
}

}  // namespace
}  // namespace pairloom::cli
