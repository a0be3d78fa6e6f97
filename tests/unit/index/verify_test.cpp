#include <gmock/gmock.h>

#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class Verify : public IndexTest {
 protected:
  Verify() {
    auto writer = open_writer();
    const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
    const DirectoryId directory = value(writer.directory("/a", 1)).id;
    for (uint64_t seed = 1; seed <= 100; ++seed) value(writer.put(run, image(directory, std::to_string(seed), seed)));
    value(writer.put(run, failure(directory, "bad", Outcome::kCorrupt, "x")));
    const auto distance = static_cast<uint32_t>(hamming_distance(code_of(1), code_of(2)));
    value(writer.put_pairs(Algorithm::kPdq, std::vector{PairRow{1, 2, distance}}));
    value(writer.commit());
  }
};

TEST_F(Verify, FindsNothingInASoundIndex) {
  EXPECT_THAT(problems(), IsEmpty());
}

struct Damage {
  const char* name;
  const char* sql;
  const char* finding;
};
void PrintTo(const Damage& damage, std::ostream* out) {
  *out << damage.sql;
}
class VerifyFinds : public Verify, public testing::WithParamInterface<Damage> {};

TEST_P(VerifyFinds, PlantedDamage) {
  ASSERT_THAT(sql(std::string("PRAGMA foreign_keys = OFF; ") + GetParam().sql), IsEmpty());
  EXPECT_THAT(problems(), Contains(HasSubstr(GetParam().finding)));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, VerifyFinds,
    testing::Values(
        Damage{"Count", "UPDATE meta SET images = 7", "meta.images says 7, but there are 100"},
        Damage{"LiveFiles", "UPDATE content SET live_files = 5 WHERE id = 3", "content 3 says it has 5 live files"},
        Damage{"AlgorithmSet", "UPDATE content SET algorithms = 6 WHERE id = 3", "content 3 has other codes"},
        Damage{"Coverage", "UPDATE coverage SET contents = 99", "says that 99 contents have codes 2/2/0, but 100 have"},
        Damage{"LostFailure", "DELETE FROM failure", "file 'bad' of directory"},
        Damage{"LostContent", "DELETE FROM content WHERE id = 3", "refer to rows of content"},
        Damage{"LostCode", "DELETE FROM code WHERE position = 50", "have holes: 99 codes in 100 places"},
        Damage{"Watermark", "INSERT INTO pairing VALUES (1, 31, 1000, 0)", "complete up to position 1000"},
        Damage{"PairOfNothing", "INSERT INTO pair VALUES (1, 5, 5000, 3)", "pair (5, 5000) refers to a content"},
        Damage{"PairDistance", "UPDATE pair SET distance = 3", "pair (1, 2) says distance 3, but it is"},
        Damage{"Code", "UPDATE code SET code = zeroblob(32) WHERE position = 7", "differ at position 7"},
        Damage{"CodeSize", "UPDATE code SET code = x'00' WHERE position = 7", "differ at position 7"},
        Damage{"Flags", "UPDATE code SET flags = 1 WHERE position = 8", "differ at position 8"}),
    [](const auto& test) { return test.param.name; });

TEST_F(Verify, FindsABitFlippedInTheCodeFile) {
  std::ifstream in(code_path(), std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  const uint64_t word = code_of(50).words[2];
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&word), sizeof word));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  std::ofstream(code_path(), std::ios::binary) << bytes;
  EXPECT_FALSE(problems().empty());
}

TEST_F(Verify, FindsADamagedDatabasePage) {
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    for (std::streamoff page = 4; page < 40; page += 3) {
      file.seekp(page * 4096 + 100);
      file << std::string(600, '\x7F');
    }
  }
  auto reader = IndexReader::open(path());
  if (!reader) {
    EXPECT_EQ(reader.error().code, Errc::kIndexCorrupt);
    return;
  }
  const auto found = reader->verify();
  EXPECT_TRUE(!found ? found.error().code == Errc::kIndexCorrupt : !found->empty());
}

TEST_F(Verify, ManyProblemsOfAKindAreCounted) {
  sql("UPDATE content SET live_files = 9");
  const auto found = problems();
  EXPECT_THAT(found, Contains("... and 90 more like this"));
}

}  // namespace
}  // namespace pairloom::index
