#include <algorithm>
#include <numeric>

#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"
#include "nibble/runtime/safetensors.h"

namespace nibble::safetensors {
namespace {

using nlohmann::ordered_json;
constexpr const char* kMetadata = "__metadata__";

void check_name(const Entry& e, const ordered_json& header) {
  if (e.name == kMetadata || header.contains(e.name))
    throw Error("cannot write tensor " + in_quotes(e.name) + ": a name must be unique and not " +
                kMetadata);
}

std::string text_of(const ordered_json& header) {
  try {
    std::string text = header.dump();
    text.append((64 - (8 + text.size()) % 64) % 64, ' ');
    if (int64_t(text.size()) <= kMaxHeaderBytes) return text;
  } catch (const nlohmann::json::exception&) {
    throw Error("cannot write tensors: names and metadata must be UTF-8");
  }
  throw Error("cannot write tensors: the header would be longer than " +
              std::to_string(kMaxHeaderBytes) + " bytes");
}

struct Plan {
  std::string header;
  std::vector<int64_t> at, bytes;  // of each entry, from the first byte of the data
};

Plan plan_of(std::span<const Entry> entries, const Metadata& metadata) {
  std::vector<size_t> order(entries.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return nibble::bytes_of(entries[a].type) > nibble::bytes_of(entries[b].type);
  });
  Plan plan{.at = std::vector<int64_t>(entries.size()),
            .bytes = std::vector<int64_t>(entries.size())};
  ordered_json header = ordered_json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  int64_t at = 0;
  for (size_t i : order) {
    const Entry& e = entries[i];
    check_name(e, header);
    const int64_t bytes = bytes_of(e);
    plan.at[i] = at, plan.bytes[i] = bytes;
    if (__builtin_add_overflow(at, bytes, &at))
      throw Error("cannot write tensors: their sizes must be below 2^63 bytes together");
    header[e.name] = {{"dtype", e.stored.empty() ? format_name(e.type) : e.stored},
                      {"shape", e.shape},
                      {"data_offsets", {plan.at[i], at}}};
  }
  plan.header = text_of(header);
  return plan;
}

}  // namespace

Writer::Writer(const std::filesystem::path& path, std::span<const Entry> entries,
               const Metadata& metadata) {
  const Plan plan = plan_of(entries, metadata);
  std::byte length[8];
  for (int i = 0; i < 8; ++i) length[i] = std::byte(uint64_t(plan.header.size()) >> 8 * i & 255);
  const int64_t data = int64_t(sizeof length + plan.header.size());
  file_.emplace(path);
  file_->reserve(data + std::accumulate(plan.bytes.begin(), plan.bytes.end(), int64_t(0)));
  file_->write(length);
  file_->write(plan.header);
  for (size_t i = 0; i < entries.size(); ++i)
    places_.push_back({entries[i].name, data + plan.at[i], plan.bytes[i], plan.bytes[i]});
}

void Writer::put(size_t entry, int64_t begin, std::span<const std::byte> data) {
  Place& place = places_.at(entry);
  if (begin < 0 || begin > place.bytes || int64_t(data.size()) > place.bytes - begin)
    throw Error("cannot write tensor " + in_quotes(place.name) + ": bytes " +
                std::to_string(begin) + " to " + std::to_string(begin + int64_t(data.size())) +
                " of " + std::to_string(place.bytes));
  file_->write_at(place.at + begin, data);
  place.left -= int64_t(data.size());
}

void Writer::commit() {
  for (const Place& p : places_)
    if (p.left != 0)
      throw Error("cannot write tensor " + in_quotes(p.name) + ": it got " +
                  std::to_string(p.bytes - p.left) + " of its " + std::to_string(p.bytes) +
                  " bytes");
  file_->commit();
}

void write(const std::filesystem::path& path, std::span<const Tensor> tensors,
           const Metadata& metadata) {
  std::vector<Entry> entries;
  for (const Tensor& t : tensors) {
    entries.push_back({t.name, t.type, t.shape, t.stored});
    if (bytes_of(entries.back()) != int64_t(t.data.size()))
      throw Error("cannot write tensor " + in_quotes(t.name) + ": " +
                  std::to_string(t.data.size()) + " bytes are not " +
                  std::string(t.stored.empty() ? format_name(t.type) : t.stored) + " " +
                  listed(t.shape));
  }
  Writer writer(path, entries, metadata);
  for (size_t i = 0; i < tensors.size(); ++i) writer.put(i, 0, tensors[i].data);
  writer.commit();
}

}  // namespace nibble::safetensors
