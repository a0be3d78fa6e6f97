// The documented views, queried as a user would with plain sqlite3.
#include <gmock/gmock.h>

#include "index/schema.h"
#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;

class Views : public IndexTest {
 protected:
  Views() : writer(open_writer()), run(value(writer.begin_run(RunKind::kAdd, "scan /a"))) {
    top = value(writer.directory("/", 1)).id;
    directory = value(writer.directory("/a", 1)).id;
    value(writer.put(run, image(directory, "1.jpg", 1)));
    value(writer.put(run, image(top, "2.jpg", 2)));
    value(writer.put(run, image(directory, "gone", 3)));
    value(writer.put(run, failure(directory, "bad.jpg", Outcome::kTooLarge, "9 GB")));
    value(writer.put_pairs(Algorithm::kPdq, std::vector{PairRow{1, 2, 3}, PairRow{1, 3, 4}}));
    value(writer.mark_gone(run, directory, "gone"));
    value(writer.finish_run(run, {.seen = 4, .indexed = 3}, {}));
  }

  IndexWriter writer;
  RunId run;
  DirectoryId top, directory;
};

TEST_F(Views, Images) {
  EXPECT_THAT(sql("SELECT path || ' ' || format || ' ' || width_px || 'x' || height_px FROM v_images ORDER BY path"),
              ElementsAre("/2.jpg jpeg 640x480", "/a/1.jpg jpeg 640x480"));
  EXPECT_EQ(sql_value("SELECT digest FROM v_images WHERE path = '/a/1.jpg'"), "fffffffffffffffe0000000000000001");
}

TEST_F(Views, Codes) {
  EXPECT_EQ(sql_value("SELECT code FROM v_codes WHERE content = 2 AND algorithm = 'pdq'"), to_hex(code_of(2), 256));
}

TEST_F(Views, PairsOfLiveImages) {
  EXPECT_THAT(sql("SELECT algorithm || ' ' || distance || ' ' || path_a || ' ' || path_b FROM v_pairs"),
              ElementsAre("pdq 3 /a/1.jpg /2.jpg"));
}

TEST_F(Views, Failures) {
  EXPECT_THAT(sql("SELECT path || ' ' || outcome || ' ' || message FROM v_failures"),
              ElementsAre("/a/bad.jpg too_large 9 GB"));
}

TEST_F(Views, Runs) {
  EXPECT_THAT(sql("SELECT kind || ' ' || arguments || ' ' || seen || ' ' || (finished >= started) FROM v_runs"),
              ElementsAre("add scan /a 4 1"));
}

TEST_F(Views, SpellNamesAsTheProgramDoes) {
  for (uint8_t o = 0; o < kOutcomeCount; ++o) {
    const auto outcome = static_cast<Outcome>(o);
    const std::string name = "o" + std::to_string(o);
    value(writer.put(
        run, outcome == Outcome::kIndexed ? image(directory, name, 50) : failure(directory, name, outcome, "")));
  }
  for (uint8_t f = 0; f < kImageFormatCount; ++f) {
    FileResult result = image(directory, "f" + std::to_string(f), 100u + f);
    result.image.format = static_cast<ImageFormat>(f);
    value(writer.put(run, result));
  }
  value(writer.commit());
  for (uint8_t o = 0; o < kOutcomeCount; ++o) {
    EXPECT_EQ(sql_value("SELECT outcome FROM v_files WHERE path = '/a/o" + std::to_string(o) + "'"),
              name_of(static_cast<Outcome>(o)));
  }
  for (uint8_t f = 0; f < kImageFormatCount; ++f) {
    EXPECT_EQ(sql_value("SELECT format FROM v_images WHERE path = '/a/f" + std::to_string(f) + "'"),
              name_of(static_cast<ImageFormat>(f)));
  }
}

TEST_F(Views, WorkWithTrustedSchemaOff) {
  EXPECT_EQ(sql_value("PRAGMA trusted_schema = OFF; SELECT count(*) FROM v_runs"), "1");
}

}  // namespace
}  // namespace pairloom::index
