#include "cli/options.h"

#include <gtest/gtest.h>

namespace pairloom::cli {
namespace {

TEST(Options, ProtectedArgumentsComeBack) {
  for (const std::string text : {"", "a", "[a,b]", "[", "\x01", "\x01[x]", "-[x]"})
    EXPECT_EQ(unprotect_argument(protect_argument(text)), text);
}

TEST(Options, PresetsAreTheTablesDistances) {
  for (const auto& a : algorithms()) {
    EXPECT_EQ(preset_distance(Preset::kSame, a), a.same);
    EXPECT_EQ(preset_distance(Preset::kSimilar, a), a.similar);
    EXPECT_EQ(preset_distance(Preset::kRelated, a), a.related);
  }
}

TEST(Options, TheLimitComesFromDistanceThenPreset) {
  Similarity s;
  EXPECT_EQ(s.limit().value(), std::optional<uint32_t>(info(Algorithm::kPdq).similar));
  s.preset = Preset::kExact;
  EXPECT_EQ(s.limit().value(), std::nullopt);
  s.preset = Preset::kSimilar;
  s.distance = 0;  // equal codes, which is not the same as equal files
  EXPECT_EQ(s.limit().value(), std::optional<uint32_t>(0));
  s.distance = 128;
  EXPECT_TRUE(s.limit());
  s.algorithm = Algorithm::kDhash;
  EXPECT_EQ(s.limit().error().code, Errc::kInvalidArgument);
  s.distance.reset();
  s.exact_only = true;
  EXPECT_EQ(s.limit().value(), std::nullopt);
}

}  // namespace
}  // namespace pairloom::cli
