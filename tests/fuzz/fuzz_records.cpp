// What goes between processes: records and the jobs' messages in them. The first byte of an input says which; what is
// accepted must be written and read again as the same.
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "jobs/extract_job.h"
#include "jobs/file_answer.h"
#include "jobs/index_job.h"
#include "jobs/load_job.h"
#include "jobs/locate_job.h"
#include "jobs/match_job.h"
#include "jobs/pair_job.h"
#include "jobs/transform_job.h"
#include "shm/records.h"
#include "tests/fuzz/fuzz_target.h"

namespace pairloom::test {
namespace {

using Input = std::span<const std::byte>;

// A kind of message: how it is read and written, and one to start from.
struct Message {
  std::function<void(Input)> try_input;
  Bytes seed;
};

// For decoders that need the bytes only, or what is bound into `decode`.
template <class Decode, class Value>
Message message(Decode decode, const Value& example) {
  const auto try_input = [decode](Input input) {
    const auto value = decode(input);
    if (!value) return must(!value.error().message.empty(), "a refusal has a reason");
    const std::vector<std::byte> written = encode(*value);
    const auto again = decode(std::span<const std::byte>(written));
    must(again.has_value(), "what was accepted is accepted again");
    must(encode(*again) == written, "and is the same");
  };
  return {try_input, encode(example)};
}

void read_chunk(Input input) {
  size_t bytes = 0;
  const auto header = shm::parse_chunk(input, [&](shm::TaskView task) -> Result<> {
    for (const std::byte byte : task.payload) bytes += std::to_integer<size_t>(byte) & 1;
    must(task.payload.size() <= input.size(), "a task lies in its chunk");
    return {};
  });
  static_cast<void>(header);
}

void read_result(Input input) {
  if (const auto result = shm::parse_result(input)) must(result->payload.size() <= input.size(), "a result lies in its record");
}

void read_descriptor_set(Input input) {
  const auto set = shm::parse_descriptor_set(input);
  if (!set) return;
  must(shm::descriptor_set_bytes(set->rows, set->columns, set->element_type) == input.size(), "a set is its record");
}

Bytes chunk() {
  shm::ChunkBuilder builder;
  builder.add(1, bytes_of("/a/picture.jpg"));
  builder.add(2, bytes_of("/b"));
  return {builder.bytes().begin(), builder.bytes().end()};
}

Bytes result() {
  const shm::ResultHeader header{7, shm::kResultIsLast, 4, 1000};
  Bytes bytes(sizeof header + 4);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

Bytes descriptor_set() {
  Bytes bytes(shm::descriptor_set_bytes(3, 2, shm::ElementType::kF32));
  shm::begin_descriptor_set(bytes, 1, 3, 2, shm::ElementType::kF32, 1);
  return bytes;
}

jobs::IndexResult index_result() {
  jobs::IndexResult result;
  result.outcome = Outcome::kIndexed;
  result.message = "a warning";
  result.identity = {1, 2, 3, 4, 5};
  result.digest = {6, 7};
  result.image.width_px = 640;
  result.image.height_px = 480;
  result.image.format = ImageFormat::kJpeg;
  result.codes = {{Algorithm::kPdq, {}}};
  return result;
}

const std::vector<jobs::FeatureDescription>& descriptions() {
  static const std::vector<jobs::FeatureDescription> all{
      {.name = "lbp", .parameters = "points=8", .columns = {"a", "b"}},
      {.name = "sift", .element = jobs::FeatureElement::kF32, .one_row = false, .columns = {"x", "y", "z"}}};
  return all;
}

jobs::ExtractResult extract_result() {
  jobs::ExtractResult result;
  result.width_px = 64;
  result.height_px = 48;
  result.tables = {{1, std::vector<std::byte>(16)}, {2, std::vector<std::byte>(24)}};
  return result;
}

jobs::LocateResult locate_result() {
  jobs::LocateResult result;
  result.width_px = result.height_px = 100;
  result.particles = {{.y = 10, .x = 20, .mass = 300, .size = 2, .ecc = 0.1, .signal = 90, .raw_mass = 400, .ep = 0.1}};
  return result;
}

jobs::PairSetup pair_setup() {
  jobs::PairSetup setup;
  setup.count = 100;
  setup.index_id = 5;
  setup.words = {{{7, 2}, {7, 2}, {7, 2}, {7, 2}}};
  return setup;
}

jobs::TransformSetup transform_setup() {
  jobs::TransformSetup setup;
  setup.source = {64, 48, jobs::PixelType::kRgba8};
  setup.map = jobs::MapKind::kRotate;
  setup.width_px = setup.height_px = 50;
  return setup;
}

jobs::Loaded loaded() {
  jobs::Loaded loaded;
  loaded.outcome = Outcome::kIndexed;
  loaded.raster = {64, 48, jobs::PixelType::kGray8};
  loaded.format = ImageFormat::kPng;
  return loaded;
}

std::vector<Message> job_messages() {
  using namespace jobs;
  constexpr auto kAll = static_cast<AlgorithmSet>(~AlgorithmSet{0});
  return {
      message([](Input in) { return decode_index_setup(in); }, IndexSetup{}),
      message([](Input in) { return decode_index_result(in, kAll); }, index_result()),
      message([](Input in) { return decode_file_answer(in); }, FileAnswer{Outcome::kCorrupt, "broken", {}}),
      message([](Input in) { return decode_extract_setup(in); }, ExtractSetup{{"lbp:points=8", "color"}, 1000, 1000}),
      message([](Input in) { return decode_feature_descriptions(in, 2); }, descriptions()),
      message([](Input in) { return decode_extract_result(in, descriptions()); }, extract_result()),
      message([](Input in) { return decode_match_setup(in); }, MatchSetup{}),
      message([](Input in) { return decode_match_result(in, MatchSetup{}, 1000); }, MatchResult{10, 5, 0}),
      message([](Input in) { return decode_locate_setup(in); }, LocateSetup::for_diameter(13)),
      message([](Input in) { return decode_locate_result(in); }, locate_result()),
      message([](Input in) { return decode_pair_setup(in); }, pair_setup()),
      message([](Input in) { return decode_pair_task(in); }, PairTask{PairTask::Kind::kScan, 0, 0, 0, 3, 9}),
      message([](Input in) { return decode_pair_result(in, pair_setup()); }, PairResult{{{1, 2, 3}}, {4}}),
      message([](Input in) { return decode_transform_setup(in); }, transform_setup()),
      message([](Input in) { return decode_band_task(in, 50); }, BandTask{10, 20}),
      message([](Input in) { return decode_load_setup(in); }, LoadSetup{}),
      message([](Input in) { return decode_load_task(in); }, LoadTask{LoadTask::What::kPicture, "/a.png"}),
      message([](Input in) { return decode_loaded(in, LoadSetup{}); }, loaded()),
  };
}

const std::vector<Message>& messages() {
  static const std::vector<Message> all = [] {
    std::vector<Message> kinds{{read_chunk, chunk()}, {read_result, result()}, {read_descriptor_set, descriptor_set()}};
    for (Message& kind : job_messages()) kinds.push_back(std::move(kind));
    return kinds;
  }();
  return all;
}

void read_message(Input input) {
  if (input.empty()) return;
  const Bytes copy(input.begin() + 1, input.end());  // aligned, as records are
  messages()[std::to_integer<size_t>(input[0]) % messages().size()].try_input(copy);
}

std::vector<Bytes> all_seeds() {
  std::vector<Bytes> seeds;
  for (size_t i = 0; i < messages().size(); ++i) {
    Bytes seed{static_cast<std::byte>(i)};
    seed.insert(seed.end(), messages()[i].seed.begin(), messages()[i].seed.end());
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace

void add_record_targets(std::vector<FuzzTarget>& targets) {
  targets.push_back({"records", read_message, all_seeds});
}

}  // namespace pairloom::test
