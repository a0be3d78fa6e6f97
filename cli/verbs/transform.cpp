// pairloom transform: one picture into another, computed in bands of rows by all workers.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.h"
#include "base/text.h"
#include "cli/progress_bar.h"
#include "cli/verb.h"
#include "daemon/transform_file.h"

namespace pairloom::cli {
namespace {

using jobs::MapKind;

struct TransformOptions {
  daemon::TransformRequest request;
  std::string map, size, fill = "black", band = "auto", angle, latitude_limit, projection;
  std::string format;
};

constexpr std::pair<std::string_view, MapKind> kMaps[] = {
    {"transverse-mercator", MapKind::kTransverseMercator},
    {"mercator", MapKind::kMercator},
    {"equirectangular", MapKind::kEquirectangular},
    {"rotate", MapKind::kRotate},
    {"resize", MapKind::kResize},
    {"remap", MapKind::kRemap},
};

tl::unexpected<Error> wrong(std::string_view option, std::string_view value, std::string_view wanted) {
  return fail(Errc::kInvalidArgument,
              fmt::format("{}: '{}' is not {}", option, escape_for_terminal(value), wanted));
}

Result<double> parse_number(std::string_view option, std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
    return wrong(option, text, "a number");
  return number;
}

std::optional<uint32_t> parse_count(std::string_view text) {
  uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count == 0) return std::nullopt;
  return count;
}

// "2000x1000", "2000x", "x1000", "50%".
Result<daemon::OutputSize> parse_output_size(std::string_view text) {
  constexpr std::string_view kWanted = "a size: WxH, Wx, xH (in pixels) or P%";
  daemon::OutputSize size;
  if (text.ends_with('%')) {
    PAIRLOOM_ASSIGN(size.percent, parse_number("--size", text.substr(0, text.size() - 1)));
    if (size.percent <= 0) return wrong("--size", text, kWanted);
    return size;
  }
  const size_t cross = text.find('x');
  if (cross == std::string_view::npos || text.size() == 1) return wrong("--size", text, kWanted);
  const std::string_view width = text.substr(0, cross), height = text.substr(cross + 1);
  for (const auto& [side, into] : {std::pair(width, &size.width_px), std::pair(height, &size.height_px)}) {
    if (side.empty()) continue;
    const auto count = parse_count(side);
    if (!count) return wrong("--size", text, kWanted);
    *into = *count;
  }
  return size;
}

// "black", "white", "transparent", "#rrggbb", "#rrggbbaa".
Result<std::array<uint8_t, 4>> parse_colour(std::string_view text) {
  if (text == "black") return std::array<uint8_t, 4>{0, 0, 0, 255};
  if (text == "white") return std::array<uint8_t, 4>{255, 255, 255, 255};
  if (text == "transparent") return std::array<uint8_t, 4>{0, 0, 0, 0};
  std::array<uint8_t, 4> colour{0, 0, 0, 255};
  bool good = text.starts_with('#') && (text.size() == 7 || text.size() == 9);
  for (size_t i = 0; good && 2 * i + 1 < text.size(); ++i) {
    const char* at = text.data() + 1 + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, colour[i], 16);
    good = error == std::errc{} && end == at + 2;
  }
  if (!good) return wrong("--fill", text, "a colour: black, white, transparent, #rrggbb or #rrggbbaa");
  return colour;
}

Result<jobs::Container> container_of(const TransformOptions& options) {
  if (options.format == "png") return jobs::Container::kPng;
  if (options.format == "pnm") return jobs::Container::kPnm;
  const std::string& path = options.request.output;
  const size_t slash = path.rfind('/'), dot = path.rfind('.');
  std::string ending =
      dot == std::string::npos || (slash != std::string::npos && dot < slash) ? "" : path.substr(dot + 1);
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  if (ending == "png") return jobs::Container::kPng;
  if (ending == "ppm" || ending == "pgm" || ending == "pnm") return jobs::Container::kPnm;
  return fail(Errc::kInvalidArgument,
              fmt::format("'{}': write to a .png, .ppm, .pgm or .pnm file, or say --format", escape_for_terminal(path)));
}

// What only goes with some maps is refused with the others: it would have no effect, and the user thinks it has.
Result<> check_combination(const TransformOptions& options) {
  const auto& request = options.request;
  const bool world = request.map == MapKind::kTransverseMercator || request.map == MapKind::kMercator ||
                     request.map == MapKind::kEquirectangular;
  const auto only = [](bool given, bool fits, std::string_view option, std::string_view maps) -> Result<> {
    if (!given || fits) return {};
    return fail(Errc::kInvalidArgument, fmt::format("{} goes with --map {} only", option, maps));
  };
  const bool rotate = request.map == MapKind::kRotate, remap = request.map == MapKind::kRemap;
  constexpr std::string_view kWorld = "transverse-mercator, mercator or equirectangular";
  PAIRLOOM_TRY(only(!options.angle.empty(), rotate, "--angle", "rotate"));
  PAIRLOOM_TRY(only(request.expand, rotate, "--expand", "rotate"));
  PAIRLOOM_TRY(only(!request.map_x.empty() || !request.map_y.empty(), remap, "--map-x and --map-y", "remap"));
  PAIRLOOM_TRY(only(!options.projection.empty(), world, "--source-projection", kWorld));
  PAIRLOOM_TRY(only(!options.latitude_limit.empty(), world, "--latitude-limit", kWorld));
  PAIRLOOM_TRY(only(request.interpolation == jobs::Interpolation::kArea, request.map == MapKind::kResize,
                    "--interpolation area", "resize"));
  const bool tutorial = request.precision == jobs::Precision::kTutorial;
  PAIRLOOM_TRY(only(tutorial, request.map == MapKind::kTransverseMercator, "--precision tutorial",
                    "transverse-mercator"));
  if (tutorial && (!options.size.empty() || !options.projection.empty() || !options.latitude_limit.empty() ||
                   request.interpolation != jobs::Interpolation::kAuto))
    return fail(Errc::kInvalidArgument,
                "--precision tutorial has its own size, projection, limit and interpolation; leave those options out");
  if (rotate && options.angle.empty()) return fail(Errc::kInvalidArgument, "--map rotate needs --angle DEGREES");
  if (request.map == MapKind::kResize && options.size.empty())
    return fail(Errc::kInvalidArgument, "--map resize needs --size WxH or --size P%");
  if (remap && (request.map_x.empty() || request.map_y.empty()))
    return fail(Errc::kInvalidArgument, "--map remap needs --map-x FILE.npy and --map-y FILE.npy");
  if (remap && !options.size.empty())
    return fail(Errc::kInvalidArgument, "--size: the output of --map remap is as large as the maps");
  if (request.expand && !options.size.empty())
    return fail(Errc::kInvalidArgument, "--size and --expand exclude each other");
  return {};
}

Result<daemon::TransformRequest> prepare(const TransformOptions& options, const Session& session) {
  daemon::TransformRequest request = options.request;
  PAIRLOOM_TRY(check_combination(options));
  PAIRLOOM_ASSIGN(request.container, container_of(options));
  PAIRLOOM_ASSIGN(request.fill, parse_colour(options.fill));
  if (!options.size.empty()) {
    PAIRLOOM_ASSIGN(request.size, parse_output_size(options.size));
  }
  if (!options.angle.empty()) {
    PAIRLOOM_ASSIGN(request.angle_deg, parse_number("--angle", options.angle));
  }
  if (!options.latitude_limit.empty()) {
    PAIRLOOM_ASSIGN(request.latitude_limit_deg, parse_number("--latitude-limit", options.latitude_limit));
    if (request.latitude_limit_deg < 1 || request.latitude_limit_deg > 89.9)
      return wrong("--latitude-limit", options.latitude_limit, "between 1 and 89.9 degrees");
  }
  if (!options.projection.empty())
    request.source_projection =
        options.projection == "mercator" ? jobs::Projection::kMercator : jobs::Projection::kEquirectangular;
  if (options.band != "auto") {
    const auto rows = parse_count(options.band);
    if (!rows) return wrong("--band", options.band, "'auto' or a number of rows");
    request.band_rows = *rows;
  }
  request.pool = session.pool();
  return request;
}

std::string summary_line(const std::string& output, const daemon::TransformSummary& summary) {
  return fmt::format("'{}': {}x{} pixels, {}, finished after {} ({} {}, {} {} of {} {})", escape_for_terminal(output),
                     summary.width_px, summary.height_px, human_bytes(summary.bytes), human_seconds(summary.seconds),
                     summary.workers, summary.workers == 1 ? "worker" : "workers", summary.bands,
                     summary.bands == 1 ? "band" : "bands", summary.band_rows, summary.band_rows == 1 ? "row" : "rows");
}

Result<ExitCode> transform(const TransformOptions& options, Session& session) {
  PAIRLOOM_ASSIGN(const auto request, prepare(options, session));
  auto& messages = session.messages;
  ProgressBar bar(messages.quiet() ? ProgressMode::kNone : session.globals.progress, messages.fd(), system_clock());
  messages.before_each([&bar] { bar.clear(); });
  daemon::RunObserver observer;
  observer.progress = [&bar](const daemon::Progress& progress) { bar.update(progress); };
  session.out.flush();  // workers are forked from this process
  const auto summary = daemon::transform_file(request, observer);
  bar.clear();
  messages.before_each(nullptr);
  if (!summary) return tl::unexpected(summary.error());
  for (const auto& warning : summary->warnings) messages.warning(warning);
  messages.note(summary_line(request.output, *summary));
  messages.detail(fmt::format("{}x{} pixels loaded after {}", summary->source_width_px, summary->source_height_px,
                              human_seconds(summary->load_seconds)));
  if (summary->worker_deaths > 0)
    messages.detail(fmt::format("{} worker deaths; what they had in hand was done again", summary->worker_deaths));
  return ExitCode::kDone;
}

void add_map_options(CLI::App& app, const std::shared_ptr<TransformOptions>& options) {
  auto& request = options->request;
  const char* group = "What becomes of the picture";
  std::vector<std::string> names;
  for (const auto& [name, kind] : kMaps) names.emplace_back(name);
  add_words(app, "--map", names, "NAME", "", "Where the output's pixels come from",
            [&request](size_t i) { request.map = kMaps[i].second; })
      ->required()
      ->group(group);
  add_text(app, "--size", options->size, "SIZE", "Of the output: WxH, Wx or xH in pixels, or P%; default: as IN")
      ->group(group);
  add_text(app, "--angle", options->angle, "DEGREES", "rotate: counter-clockwise, about the centre")->group(group);
  app.add_flag("--expand", request.expand, "rotate: an output large enough for all of IN")->group(group);
  add_text(app, "--map-x", request.map_x, "FILE.npy", "remap: for each output pixel the column in IN, float32 or float64")
      ->group(group);
  add_text(app, "--map-y", request.map_y, "FILE.npy", "remap: and the row; (0, 0) is the centre of the first pixel")
      ->group(group);
  add_words(app, "--source-projection", {"mercator", "equirectangular"}, "NAME", "",
            "How IN, a map of the world, shows latitudes; default: mercator, for --map mercator equirectangular",
            [options](size_t i) { options->projection = i == 0 ? "mercator" : "equirectangular"; })
      ->group(group);
  add_text(app, "--latitude-limit", options->latitude_limit, "DEGREES",
           "Where Mercator maps end, IN and the output; default: 85.0511, which makes them square")
      ->group(group);
  add_choice<jobs::Precision>(app, "--precision", request.precision,
                              {{"full", jobs::Precision::kFull}, {"tutorial", jobs::Precision::kTutorial}}, "NAME",
                              "tutorial: transverse Mercator with every rounding of the tutorial, nearest pixels")
      ->group(group);
}

}  // namespace

Action declare_transform(CLI::App& app) {
  auto options = std::make_shared<TransformOptions>();
  auto& request = options->request;
  add_path(app, "IN", request.input, "The picture");
  add_path(app, "OUT", request.output, "The file to write: .png, .ppm, .pgm or .pnm");
  add_map_options(app, options);
  const char* group = "How it is computed";
  add_choice<jobs::Interpolation>(app, "--interpolation", request.interpolation,
                                  {{"auto", jobs::Interpolation::kAuto},
                                   {"nearest", jobs::Interpolation::kNearest},
                                   {"bilinear", jobs::Interpolation::kBilinear},
                                   {"bicubic", jobs::Interpolation::kBicubic},
                                   {"area", jobs::Interpolation::kArea}},
                                  "NAME", "Between pixels; auto: bilinear, resize: area to smaller, bicubic to larger")
      ->group(group);
  add_text(app, "--fill", options->fill, "COLOUR",
           "Where nothing of IN is: black, white, transparent, #rrggbb or #rrggbbaa; default: black")
      ->group(group);
  add_text(app, "--band", options->band, "ROWS", "Rows of one task, or auto (default)")->group(group);
  add_size(app, "--max-pixels", request.limits.max_pixels, "The most pixels IN may have")->group(group);
  add_words(app, "--format", {"png", "pnm"}, "FORMAT", "", "Format of OUT; default: by its name",
            [options](size_t i) { options->format = i == 0 ? "png" : "pnm"; })
      ->group("Output");
  app.add_flag("--force", request.overwrite, "Overwrite OUT if it exists")->group("Output");
  return [options](Session& session) { return transform(*options, session); };
}

}  // namespace pairloom::cli
