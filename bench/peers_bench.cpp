// Searching codes beside what others search them with, in one run: our scan, a plain loop, a BK-tree, a VP-tree, and (when
// Debian's libfaiss-dev was there at build time) FAISS: flat, hash, HNSW. One thread each.
//   peers_bench pdq|dhash CODES COUNT RADIUS [QUERIES] [--no-trees] [--no-hnsw]
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/clock.h"
#include "bench/metric_trees.h"
#include "search/hamming_scan.h"

#ifdef PAIRLOOM_WITH_FAISS
#include <faiss/IndexBinaryFlat.h>
#include <faiss/IndexBinaryHNSW.h>
#include <faiss/IndexBinaryHash.h>
#include <faiss/impl/AuxIndexStructures.h>
#endif

namespace {

using namespace pairloom;

double now_us() {
  return static_cast<double>(system_clock().monotonic_ns()) / 1e3;
}

using Ids = std::vector<uint32_t>;
// Answers one query with ids.
using Search = std::function<Ids(const Code&)>;

struct Data {
  Algorithm algorithm;
  uint32_t radius;
  std::vector<Code> codes;
  std::vector<Code> queries;
  std::vector<std::set<uint32_t>> truth;  // of each query
};

double g_reference_us = 0;  // our scan's median

// p50 and p99 of single queries, and the share of the true answers that was found.
void report(const std::string& name, const Data& data, size_t queries, double build_s, double bytes, const Search& search) {
  queries = std::min(queries, data.queries.size());
  std::vector<double> times;
  uint64_t found = 0, there = 0;
  for (size_t q = 0; q < queries; ++q) {
    const double start = now_us();
    const Ids ids = search(data.queries[q]);
    times.push_back(now_us() - start);
    for (const uint32_t id : ids) found += static_cast<uint64_t>(data.truth[q].contains(id));
    there += data.truth[q].size();
  }
  std::sort(times.begin(), times.end());
  const double p50 = times[times.size() / 2], p99 = times[times.size() * 99 / 100];
  if (g_reference_us == 0) g_reference_us = p50;
  fmt::print("{:<28} {:>10.0f} {:>10.0f} {:>9.1f} {:>8.1f} {:>8.1f} {:>7.1f} %\n", name, p50, p99, p50 / g_reference_us,
             build_s, bytes / static_cast<double>(data.codes.size()),
             there == 0 ? 100.0 : 100.0 * static_cast<double>(found) / static_cast<double>(there));
  std::fflush(stdout);
}

double seconds_of(const std::function<void()>& work) {
  const double start = now_us();
  work();
  return (now_us() - start) / 1e6;
}

Ids plain_loop(const Data& data, const Code& query) {
  Ids ids;
  for (size_t i = 0; i < data.codes.size(); ++i)
    if (hamming_distance(data.codes[i], query) <= static_cast<int>(data.radius)) ids.push_back(static_cast<uint32_t>(i));
  return ids;
}

void measure_ours(Data& data) {
  const auto& about = info(data.algorithm);
  search::CodeFileBuilder builder(data.algorithm);
  const double build_s = seconds_of([&] {
    for (size_t i = 0; i < data.codes.size(); ++i)
      if (!builder.append(static_cast<uint32_t>(i), data.codes[i], 0)) std::abort();
  });
  const search::CodeFile file = std::move(builder).finish();
  for (const Code& query : data.queries) {
    std::set<uint32_t> ids;
    for (const auto& hit : search::find_within(file, query, static_cast<int>(data.radius))) ids.insert(hit.content_id);
    data.truth.push_back(std::move(ids));
  }
  for (size_t q = 0; q < 3; ++q) {  // the truth is that of the plain loop
    const Ids plain = plain_loop(data, data.queries[q]);
    if (std::set<uint32_t>(plain.begin(), plain.end()) != data.truth[q]) std::abort();
  }
  const auto kernels = search::available_kernels();
  for (auto kernel = kernels.rbegin(); kernel != kernels.rend(); ++kernel)
    report(fmt::format("scan, {}", name_of(*kernel)), data, data.queries.size(), build_s, about.bits / 8 + 5,
           [&](const Code& query) {
             Ids ids;
             for (const auto& hit : search::find_within(file, query, static_cast<int>(data.radius), {.kernel = *kernel}))
               ids.push_back(hit.content_id);
             return ids;
           });
  std::vector<search::ScanQuery> batch;
  for (const Code& query : data.queries) batch.push_back({query, false});
  uint64_t hits = 0;
  const double batch_s = seconds_of([&] {
    for (const auto& of_query : search::find_within_each(file, batch, static_cast<int>(data.radius))) hits += of_query.size();
  });
  fmt::print("{:<28} {:>10.0f} us a query: {:.0f} queries/s\n", fmt::format("scan, {} at once", batch.size()),
             batch_s * 1e6 / static_cast<double>(batch.size()), static_cast<double>(batch.size()) / batch_s);
  report("plain loop", data, 30, 0, about.bits / 8, [&](const Code& query) { return plain_loop(data, query); });
}

void measure_trees(const Data& data) {
  bench::BkTree bk;
  const double bk_s = seconds_of([&] {
    for (size_t i = 0; i < data.codes.size(); ++i) bk.insert(data.codes[i], static_cast<uint32_t>(i));
  });
  const auto with = [&](const auto& tree) {
    return [&](const Code& query) {
      Ids ids;
      tree.find(query, data.radius, ids);
      return ids;
    };
  };
  report("BK-tree", data, 30, bk_s, static_cast<double>(bk.bytes()), with(bk));
  std::unique_ptr<bench::VpTree> vp;
  const double vp_s = seconds_of([&] {
    std::vector<std::pair<Code, uint32_t>> items;
    for (size_t i = 0; i < data.codes.size(); ++i) items.emplace_back(data.codes[i], static_cast<uint32_t>(i));
    vp = std::make_unique<bench::VpTree>(std::move(items));
  });
  report("VP-tree", data, 30, vp_s, static_cast<double>(vp->bytes()), with(*vp));
}

#ifdef PAIRLOOM_WITH_FAISS
void measure_faiss(const Data& data, bool hnsw) {
  const int bits = info(data.algorithm).bits;
  const size_t bytes = static_cast<size_t>(bits) / 8, count = data.codes.size();
  std::vector<uint8_t> packed(count * bytes);
  for (size_t i = 0; i < count; ++i) std::memcpy(&packed[i * bytes], data.codes[i].words.data(), bytes);
  const auto ranged = [&](const faiss::IndexBinary& index) {
    return [&](const Code& query) {
      faiss::RangeSearchResult result(1);
      index.range_search(1, reinterpret_cast<const uint8_t*>(query.words.data()), static_cast<int>(data.radius) + 1, &result);
      return Ids(result.labels, result.labels + result.lims[1]);
    };
  };
  faiss::IndexBinaryFlat flat(bits);
  const double flat_s = seconds_of([&] { flat.add(static_cast<faiss::IndexBinary::idx_t>(count), packed.data()); });
  report("FAISS IndexBinaryFlat", data, 100, flat_s, static_cast<double>(packed.size()), ranged(flat));
  {
    std::vector<uint8_t> queries(data.queries.size() * bytes);
    for (size_t i = 0; i < data.queries.size(); ++i) std::memcpy(&queries[i * bytes], data.queries[i].words.data(), bytes);
    faiss::RangeSearchResult result(static_cast<faiss::RangeSearchResult::idx_t>(data.queries.size()));
    const double batch_s = seconds_of([&] {
      flat.range_search(static_cast<faiss::IndexBinary::idx_t>(data.queries.size()), queries.data(),
                        static_cast<int>(data.radius) + 1, &result);
    });
    fmt::print("{:<28} {:>10.0f} us a query: {:.0f} queries/s\n", fmt::format("FAISS flat, {} at once", data.queries.size()),
               batch_s * 1e6 / static_cast<double>(data.queries.size()), static_cast<double>(data.queries.size()) / batch_s);
  }
  for (const int nflip : {1, 2}) {
    faiss::IndexBinaryHash hash(bits, 16);
    hash.nflip = nflip;
    const double hash_s = seconds_of([&] { hash.add(static_cast<faiss::IndexBinary::idx_t>(count), packed.data()); });
    report(fmt::format("FAISS IndexBinaryHash {}", nflip), data, 100, hash_s, static_cast<double>(bytes + 8), ranged(hash));
  }
  if (!hnsw) return;
  faiss::IndexBinaryHNSW graph(bits, 16);
  const double graph_s = seconds_of([&] { graph.add(static_cast<faiss::IndexBinary::idx_t>(count), packed.data()); });
  report("FAISS IndexBinaryHNSW, 10 NN", data, data.queries.size(), graph_s, static_cast<double>(bytes + 16 * 2 * 4 + 16),
         [&](const Code& query) {
           std::vector<int32_t> distances(10);
           std::vector<faiss::IndexBinary::idx_t> labels(10);
           graph.search(1, reinterpret_cast<const uint8_t*>(query.words.data()), 10, distances.data(), labels.data());
           Ids ids;
           for (size_t i = 0; i < 10; ++i)
             if (labels[i] >= 0 && distances[i] <= static_cast<int32_t>(data.radius)) ids.push_back(static_cast<uint32_t>(labels[i]));
           return ids;
         });
}
#endif

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: peers_bench pdq|dhash CODES COUNT RADIUS [QUERIES] [--no-trees] [--no-hnsw]\n");
    return 2;
  }
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {  // one thread for FAISS too; it looks when it is loaded
    ::setenv("OMP_NUM_THREADS", "1", 1);
    ::execv("/proc/self/exe", argv);
  }
  Data data;
  data.algorithm = algorithm_from_name(argv[1]).value();
  data.radius = static_cast<uint32_t>(std::atoi(argv[4]));
  std::ifstream file(argv[2], std::ios::binary);
  data.codes.resize(std::strtoull(argv[3], nullptr, 10));
  for (Code& code : data.codes) file.read(reinterpret_cast<char*>(code.words.data()), info(data.algorithm).bits / 8);
  if (!file) {
    std::fprintf(stderr, "peers_bench: too few codes in '%s'\n", argv[2]);
    return 1;
  }
  size_t queries = 300;
  bool trees = true, hnsw = true;
  for (int i = 5; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--no-trees")) trees = false;
    else if (!std::strcmp(argv[i], "--no-hnsw")) hnsw = false;
    else queries = std::strtoull(argv[i], nullptr, 10);
  }
  for (size_t q = 0; q < queries; ++q) data.queries.push_back(data.codes[q * (data.codes.size() / queries)]);
  fmt::print("{} codes of {} bits, radius {}; one thread\n", data.codes.size(), info(data.algorithm).bits, data.radius);
  fmt::print("{:<28} {:>10} {:>10} {:>9} {:>8} {:>8} {:>9}\n", "", "p50 us", "p99 us", "times", "build s", "bytes", "found");
  measure_ours(data);
  if (trees) measure_trees(data);
#ifdef PAIRLOOM_WITH_FAISS
  measure_faiss(data, hnsw);
#else
  static_cast<void>(hnsw);
  fmt::print("FAISS was not there at build time: apt-get install libfaiss-dev\n");
#endif
}
