#include "daemon/transform_file.h"

#include <sys/stat.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <system_error>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/loading.h"
#include "daemon/output_file.h"
#include "daemon/picture_frame.h"
#include "daemon/pool.h"
#include "daemon/stop_signals.h"
#include "daemon/transforming.h"

namespace pairloom::daemon {
namespace {

using jobs::MapKind;

tl::unexpected<Error> cannot_use(const std::string& path, const std::string& why) {
  return fail(Errc::kCorrupt, fmt::format("cannot use '{}': {}", escape_for_terminal(path), escape_for_terminal(why)));
}

// Workers open no symbolic links: what a name leads to is settled here.
Result<std::string> resolved(const std::string& path) {
  std::error_code error;
  const auto canonical = std::filesystem::canonical(path, error);
  if (error) return cannot_use(path, error.message());
  return canonical.string();
}

Result<> refuse_same_file(const std::string& input, const std::string& output) {
  struct stat in {}, out {};
  if (::stat(input.c_str(), &in) == 0 && ::stat(output.c_str(), &out) == 0 && in.st_dev == out.st_dev &&
      in.st_ino == out.st_ino)
    return fail(Errc::kRefused, "the output is the input itself; name another file");
  return {};
}

Result<std::vector<jobs::LoadTask>> files_to_load(const TransformRequest& request) {
  using What = jobs::LoadTask::What;
  const auto& fill = request.fill;
  const bool coloured = fill[0] != fill[1] || fill[1] != fill[2] || fill[3] != 255;
  PAIRLOOM_ASSIGN(auto input, resolved(request.input));
  PAIRLOOM_TRY(refuse_same_file(input, request.output));
  std::vector<jobs::LoadTask> files{{coloured ? What::kColourPicture : What::kPicture, std::move(input)}};
  if (request.map != MapKind::kRemap) return files;
  for (const std::string& path : {request.map_x, request.map_y}) {
    PAIRLOOM_ASSIGN(auto grid, resolved(path));
    files.push_back({What::kGrid, std::move(grid)});
  }
  return files;
}

struct Size {
  uint32_t width, height;
};

Result<Size> checked(double width, double height) {
  width = std::max(1.0, std::round(width));
  height = std::max(1.0, std::round(height));
  if (!(std::max(width, height) <= jobs::kMaxRasterSidePx))
    return fail(Errc::kInvalidArgument, fmt::format("an output of {:.0f}x{:.0f} pixels is too large: at most {} a side",
                                                    width, height, jobs::kMaxRasterSidePx));
  return Size{static_cast<uint32_t>(width), static_cast<uint32_t>(height)};
}

// As wide and high as the corners of the turned picture reach, in whole pixels.
Result<Size> turned_size(const jobs::RasterInfo& source, double angle_deg) {
  double turn = std::fmod(std::fabs(angle_deg), 180);
  if (turn == 0) return Size{source.width_px, source.height_px};
  if (turn == 90) return Size{source.height_px, source.width_px};
  turn *= std::numbers::pi / 180;
  const double cosine = std::fabs(std::cos(turn)), sine = std::sin(turn);
  return checked(std::ceil(source.width_px * cosine + source.height_px * sine),
                 std::ceil(source.width_px * sine + source.height_px * cosine));
}

Result<Size> output_size(const TransformRequest& request, const std::vector<Loading::File>& files) {
  const jobs::RasterInfo& source = files[0].about.raster;
  if (request.map == MapKind::kRemap) {
    const jobs::RasterInfo &x = files[1].about.raster, &y = files[2].about.raster;
    if (!(x == y))
      return fail(Errc::kInvalidArgument,
                  fmt::format("the two maps differ in size: {} x {} and {} x {} (rows x columns)", x.height_px,
                              x.width_px, y.height_px, y.width_px));
    return Size{x.width_px, x.height_px};
  }
  if (request.map == MapKind::kRotate && request.expand) return turned_size(source, request.angle_deg);
  if (!request.size) return Size{source.width_px, source.height_px};
  const OutputSize& size = *request.size;
  if (size.percent != 0) return checked(source.width_px * size.percent / 100, source.height_px * size.percent / 100);
  const double by_height = static_cast<double>(size.height_px) * source.width_px / source.height_px;
  const double by_width = static_cast<double>(size.width_px) * source.height_px / source.width_px;
  return checked(size.width_px != 0 ? size.width_px : by_height, size.height_px != 0 ? size.height_px : by_width);
}

Result<jobs::TransformSetup> plan(const TransformRequest& request, const std::vector<Loading::File>& files) {
  const jobs::Loaded& source = files[0].about;
  jobs::TransformSetup setup;
  setup.source = source.raster;
  setup.source_has_alpha = source.has_alpha;
  setup.map = request.map;
  setup.source_projection = request.source_projection.value_or(
      request.map == MapKind::kMercator ? jobs::Projection::kEquirectangular : jobs::Projection::kMercator);
  setup.interpolation = request.interpolation;
  setup.precision = request.precision;
  setup.container = request.container;
  setup.latitude_limit_deg = request.latitude_limit_deg;
  setup.angle_deg = request.angle_deg;
  setup.fill = request.fill;
  const bool alpha = source.has_alpha || request.fill[3] != 255;
  setup.channels = source.raster.type == jobs::PixelType::kGray8 ? jobs::Channels::kGray
                   : alpha                                       ? jobs::Channels::kRgba
                                                                 : jobs::Channels::kRgb;
  if (alpha && request.container == jobs::Container::kPnm)
    return fail(Errc::kInvalidArgument, "PNM cannot hold transparency; write a .png instead");
  PAIRLOOM_ASSIGN(const Size size, output_size(request, files));
  setup.width_px = size.width;
  setup.height_px = size.height;
  setup.strip_rows = strip_rows_for(setup);
  return setup;
}

void add_warnings(const jobs::Loaded& about, const std::string& path, std::vector<std::string>& warnings) {
  const std::string name = escape_for_terminal(path);
  if (about.damaged) warnings.push_back(fmt::format("'{}' is damaged: {}", name, escape_for_terminal(about.message)));
  if (about.raster.type != jobs::PixelType::kF32 && about.stored_bits > 8)
    warnings.push_back(fmt::format("'{}' has {} bits a sample, the output 8", name, about.stored_bits));
}

// One transform under way: the pool, and what it needs from the world.
class Run {
 public:
  Run(const TransformRequest& request, const RunObserver& observer, Pool& pool, StopSignals& signals)
      : request_(request), observer_(observer), pool_(pool), signals_(signals) {}

  Result<TransformSummary> run() {
    // First of all, so that nothing is computed for an output that cannot be written.
    PAIRLOOM_ASSIGN(const auto tasks, files_to_load(request_));
    PAIRLOOM_ASSIGN(auto output, OutputFile::create(request_.output, request_.overwrite));
    PAIRLOOM_ASSIGN(const auto files, load(tasks));
    summary_.load_seconds = seconds();
    PAIRLOOM_ASSIGN(const jobs::TransformSetup setup, plan(request_, files));
    PAIRLOOM_TRY(compute(setup, files, output));
    PAIRLOOM_TRY(output.commit());
    summary_.source_width_px = setup.source.width_px;
    summary_.source_height_px = setup.source.height_px;
    summary_.width_px = setup.width_px;
    summary_.height_px = setup.height_px;
    summary_.bytes = output.bytes_written();
    summary_.worker_deaths = pool_.deaths();
    for (const auto& worker : pool_.totals()) summary_.workers += worker.lives > 0;
    summary_.seconds = seconds();
    return std::move(summary_);
  }

 private:
  Result<std::vector<Loading::File>> load(const std::vector<jobs::LoadTask>& tasks) {
    Loading job(tasks, request_.limits);
    PAIRLOOM_TRY(pool_.run(job, surroundings([] { return Progress{}; })));
    auto files = job.take_files();
    const std::string* names[] = {&request_.input, &request_.map_x, &request_.map_y};
    for (size_t i = 0; i < files.size(); ++i) {
      const jobs::Loaded& about = files[i].about;
      if (about.outcome != Outcome::kIndexed)
        return cannot_use(*names[i], about.message.empty() ? std::string(name_of(about.outcome)) : about.message);
      const bool grid = tasks[i].what == jobs::LoadTask::What::kGrid;
      if (grid != (about.raster.type == jobs::PixelType::kF32))
        return fail(Errc::kProtocol, "a worker loaded something else than it was asked for");
      add_warnings(about, *names[i], summary_.warnings);
    }
    return files;
  }

  Result<> compute(const jobs::TransformSetup& setup, const std::vector<Loading::File>& files, OutputFile& output) {
    std::vector<int> blocks;
    for (const auto& file : files) blocks.push_back(file.block.get());
    PAIRLOOM_TRY(output.write(picture_head(setup)));
    Transforming job(setup, std::min(request_.band_rows, setup.height_px), blocks,
                     [&output](std::span<const std::byte> bytes) { return output.write(bytes); });
    PAIRLOOM_TRY(pool_.run(job, surroundings([&] {
      Progress progress;
      progress.found = setup.height_px;
      progress.found_all = true;
      progress.done = job.rows_done();
      return progress;
    })));
    summary_.bands = job.band_count();
    summary_.band_rows = request_.band_rows != 0 ? request_.band_rows : setup.strip_rows;
    return output.write(picture_tail(setup, job.adler32()));
  }

  template <class Count>
  Pool::Surroundings surroundings(Count count) {
    Pool::Surroundings world;
    world.stop_fd = signals_.fd();
    world.stop_requested = [this] {
      return signals_.arrived() || (observer_.stop_requested && observer_.stop_requested());
    };
    world.often = [this, count] {
      if (!observer_.progress) return;
      Progress progress = count();
      progress.stage = Progress::Stage::kTransforming;
      progress.seconds = seconds();
      progress.workers = static_cast<int>(pool_.totals().size());
      observer_.progress(progress);
    };
    return world;
  }

  double seconds() const { return static_cast<double>(system_clock().monotonic_ns() - start_ns_) / 1e9; }

  const TransformRequest& request_;
  const RunObserver& observer_;
  Pool& pool_;
  StopSignals& signals_;
  const int64_t start_ns_ = system_clock().monotonic_ns();
  TransformSummary summary_;
};

}  // namespace

Result<TransformSummary> transform_file(const TransformRequest& request, const RunObserver& observer) {
  PAIRLOOM_ASSIGN(auto signals, StopSignals::catch_them());
  PAIRLOOM_ASSIGN(auto pool, Pool::create(request.pool));
  return Run(request, observer, pool, signals).run();
}

}  // namespace pairloom::daemon
