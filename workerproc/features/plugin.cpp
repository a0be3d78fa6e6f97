#include "workerproc/features/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <algorithm>

namespace pairloom::workerproc {
namespace {

// What the plugin's calls come back to.
struct Values : pairloom_values {
  Values(uint64_t bytes_in_row, bool exactly_one, jobs::FeatureTable& into)
      : pairloom_values{nullptr, &Values::make_rows, &Values::note_failure},
        row_bytes(bytes_in_row),
        one_row(exactly_one),
        table(into) {}

  static Values& of(pairloom_values* values) { return static_cast<Values&>(*values); }

  static void* make_rows(pairloom_values* values, uint32_t rows) noexcept {
    Values& v = of(values);
    if (v.called || rows > jobs::kMaxFeatureRows || (v.one_row && rows != 1)) return nullptr;
    if (rows * v.row_bytes > jobs::kMaxFeatureBytes) return nullptr;
    v.called = true;
    try {
      v.table.rows = rows;
      v.table.values.assign(std::max<uint64_t>(rows * v.row_bytes, 1), std::byte{});
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    return v.table.values.data();
  }

  static void note_failure(pairloom_values* values, const char* message) noexcept {
    try {
      of(values).failure = message ? message : "";
    } catch (const std::bad_alloc&) {  // then without a reason
    }
  }

  uint64_t row_bytes;
  bool one_row, called = false;
  jobs::FeatureTable& table;
  std::string failure;
};

class PluginFeature final : public FeatureExtractor {
 public:
  PluginFeature(const pairloom_extractor& extractor, jobs::FeatureDescription description)
      : FeatureExtractor(std::move(description)), extractor_(extractor) {
    if (extractor.create) state_ = extractor.create();
  }
  ~PluginFeature() override {
    if (extractor_.destroy) extractor_.destroy(state_);
  }

  Result<> extract(ShownPicture& picture, jobs::FeatureTable& table) override {
    const cv::Mat& pixels = extractor_.pixels == PAIRLOOM_GRAY ? picture.gray() : picture.bgr();
    const pairloom_image image{pixels.data, static_cast<uint32_t>(pixels.cols), static_cast<uint32_t>(pixels.rows),
                               static_cast<uint32_t>(pixels.step), extractor_.pixels == PAIRLOOM_GRAY ? 1u : 3u};
    Values values(description().row_bytes(), description().one_row, table);
    const int failed = extractor_.extract(state_, &image, &values);
    if (failed != 0)
      return fail(Errc::kUnsupported,
                  fmt::format("{}: {}", description().name,
                              values.failure.empty() ? "failed, without a reason" : values.failure));
    if (!values.called) return fail(Errc::kUnsupported, fmt::format("{} gave no rows", description().name));
    table.values.resize(table.rows * description().row_bytes());
    return {};
  }

 private:
  const pairloom_extractor& extractor_;
  void* state_ = nullptr;
};

}  // namespace

Result<> Plugins::load_object(const std::string& path) {
  const auto bad = [&path](std::string_view why) {
    return fail(Errc::kInvalidArgument, fmt::format("cannot use the plugin '{}': {}", path, why));
  };
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object) return bad(::dlerror());
  const auto list = reinterpret_cast<pairloom_extractors_function>(::dlsym(object, "pairloom_extractors"));
  if (!list) return bad("it does not export pairloom_extractors (see include/pairloom/extractor.h)");
  const pairloom_extractor* const* extractors = list(PAIRLOOM_EXTRACTOR_ABI);
  if (!extractors) return bad(fmt::format("it does not serve version {} of the interface", PAIRLOOM_EXTRACTOR_ABI));
  for (; *extractors; ++extractors) {
    const pairloom_extractor& extractor = **extractors;
    if (extractor.size_bytes < sizeof(pairloom_extractor)) return bad("size_bytes is not set");
    if (!extractor.name || !extractor.extract) return bad("an extractor without a name, or without extract()");
    if (find(extractor.name)) return bad(fmt::format("there is a '{}' already", extractor.name));
    extractors_.push_back(&extractor);
  }
  return {};
}

void Plugins::load(const std::string& path) {
  auto loaded = load_object(path);
  if (!loaded && error_.empty()) error_ = std::move(loaded.error().message);
}

const pairloom_extractor* Plugins::find(std::string_view name) const {
  const auto found = std::ranges::find_if(extractors_, [name](const auto* e) { return e->name == name; });
  return found == extractors_.end() ? nullptr : *found;
}

std::vector<std::string> Plugins::names() const {
  std::vector<std::string> names;
  for (const auto* extractor : extractors_) names.emplace_back(extractor->name);
  return names;
}

Plugins& loaded_plugins() {
  static Plugins plugins;
  return plugins;
}

Result<std::unique_ptr<FeatureExtractor>> make_plugin_feature(const pairloom_extractor& extractor) {
  const auto bad = [&extractor](std::string_view why) {
    return fail(Errc::kInvalidArgument, fmt::format("the plugin's '{}' {}", extractor.name, why));
  };
  if (extractor.element < PAIRLOOM_U8 || extractor.element > PAIRLOOM_F64) return bad("has no known element type");
  if (extractor.pixels != PAIRLOOM_GRAY && extractor.pixels != PAIRLOOM_BGR) return bad("wants unknown pixels");
  if (extractor.columns < 1 || extractor.columns > jobs::kMaxFeatureColumns) return bad("has no columns, or too many");
  if ((extractor.flags & ~uint32_t{PAIRLOOM_ONE_ROW | PAIRLOOM_CODE}) != 0) return bad("has unknown flags");
  jobs::FeatureDescription d{.name = extractor.name,
                             .version = extractor.version,
                             .element = static_cast<jobs::FeatureElement>(extractor.element),
                             .one_row = (extractor.flags & PAIRLOOM_ONE_ROW) != 0,
                             .is_code = (extractor.flags & PAIRLOOM_CODE) != 0};
  for (uint32_t c = 0; c < extractor.columns; ++c)
    d.columns.push_back(extractor.column_names ? extractor.column_names[c] : std::to_string(c));
  // The supervisor checks it too; here the reason can still be told.
  const auto checked = jobs::decode_feature_descriptions(jobs::encode(std::span(&d, 1)), 1);
  if (!checked) return bad("breaks the interface: " + checked.error().message);
  return std::make_unique<PluginFeature>(extractor, std::move(d));
}

}  // namespace pairloom::workerproc
