// SPDX-License-Identifier: Apache-2.0
#include "tsdb/label_dictionary.h"

#include <algorithm>
#include <numeric>

#include "tsdb/value_codec.h"

namespace hearth::tsdb {
namespace {

// What a hash table's slot and a view take, beside the text.
constexpr size_t kValueOverhead = 64;
constexpr size_t kTextMax = size_t{1} << 30;
constexpr uint32_t kMissing = UINT32_MAX;

size_t SharedPrefix(std::string_view a, std::string_view b) {
  const size_t n = std::min(a.size(), b.size());
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(n), b.begin()).first - a.begin());
}

}  // namespace

void PutNumbers(std::span<const uint64_t> numbers, std::string* out) {
  if (numbers.empty()) return;
  // What stays the same from one to the next is free: the values, or their changes.
  size_t value_turns = 0;
  size_t change_turns = 0;
  std::vector<uint64_t> changes;
  changes.reserve(numbers.size());
  for (size_t i = 1; i < numbers.size(); ++i) {
    changes.push_back(Zigzag(static_cast<int64_t>(numbers[i] - numbers[i - 1])));
    value_turns += changes.back() != 0 ? 1 : 0;
    change_turns += i > 1 && changes[i - 1] != changes[i - 2] ? 1 : 0;
  }
  const bool by_change = change_turns < value_turns;
  out->push_back(by_change ? 1 : 0);
  PutVarint(numbers[0], out);
  std::string planes;
  const uint8_t width = PutPlanes(by_change ? changes : numbers.subspan(1), &planes);
  out->push_back(static_cast<char>(width));
  *out += planes;
}

bool TakeNumbers(ByteReader* reader, size_t count, PackedNumbers* packed) {
  *packed = {};
  packed->count = count;
  if (count == 0) return true;
  const auto by_change = reader->Fixed<uint8_t>();
  packed->by_change = by_change != 0;
  packed->first = reader->Varint();
  packed->width = reader->Fixed<uint8_t>();
  if (by_change > 1 || packed->width > 8) return false;
  packed->planes = reader->Take(packed->width * (count - 1));
  return reader->ok();
}

void UnpackNumbers(const PackedNumbers& packed, std::span<uint64_t> numbers) {
  if (numbers.empty()) return;
  numbers[0] = packed.first;
  GetPlanes(packed.planes, packed.width, numbers.subspan(1));
  if (!packed.by_change) return;
  for (size_t i = 1; i < numbers.size(); ++i) {
    numbers[i] = numbers[i - 1] + static_cast<uint64_t>(Unzigzag(numbers[i]));
  }
}

bool GetNumbers(ByteReader* reader, std::span<uint64_t> numbers) {
  PackedNumbers packed;
  if (!TakeNumbers(reader, numbers.size(), &packed)) return false;
  UnpackNumbers(packed, numbers);
  return true;
}

uint32_t LabelDictionaryBuilder::Number(std::string_view value) {
  const auto it = numbers_.find(value);
  if (it != numbers_.end()) return it->second;
  const auto number = static_cast<uint32_t>(values_.size());
  values_.push_back(text_.Add(value));
  numbers_.emplace(values_.back(), number);
  memory_bytes_ += value.size() + kValueOverhead;
  return number;
}

std::string LabelDictionaryBuilder::Bytes() const {
  std::vector<uint64_t> order(values_.size());
  std::iota(order.begin(), order.end(), uint64_t{0});
  std::sort(order.begin(), order.end(),
            [&](uint64_t a, uint64_t b) { return values_[a] < values_[b]; });
  std::string out;
  std::string_view before;
  for (const uint64_t number : order) {
    const std::string_view value = values_[number];
    const size_t shared = SharedPrefix(before, value);
    PutVarint(shared, &out);
    PutBytes(value.substr(shared), &out);
    before = value;
  }
  PutNumbers(order, &out);
  return out;
}

std::shared_ptr<const LabelDictionary> LabelDictionary::Parse(ByteReader* reader, size_t size) {
  if (size > reader->left() / 3) return nullptr;
  auto made = std::make_shared<LabelDictionary>();
  struct Place {
    uint32_t begin;
    uint32_t size;
  };
  std::vector<Place> places(size);
  std::string& text = made->text_;
  Place before{0, 0};
  for (Place& place : places) {
    const uint64_t shared = reader->Varint();
    const std::string_view rest = reader->Bytes();
    if (!reader->ok() || shared > before.size || rest.empty()) return nullptr;
    if (text.size() + shared + rest.size() > kTextMax) return nullptr;
    place.begin = static_cast<uint32_t>(text.size());
    place.size = static_cast<uint32_t>(shared + rest.size());
    text.reserve(text.size() + place.size);
    text.append(text.data() + before.begin, shared);
    text.append(rest);
    const std::string_view all(text);
    if (&place != places.data() &&
        all.substr(before.begin, before.size) >= all.substr(place.begin, place.size)) {
      return nullptr;
    }
    before = place;
  }
  std::vector<uint64_t> order(size);
  if (!GetNumbers(reader, order)) return nullptr;
  made->begin_.resize(size);
  made->size_.resize(size);
  made->order_.resize(size, kMissing);
  std::vector<bool> seen(size);
  for (size_t i = 0; i < size; ++i) {
    if (order[i] >= size || seen[order[i]]) return nullptr;
    seen[order[i]] = true;
    made->order_[i] = static_cast<uint32_t>(order[i]);
    made->begin_[order[i]] = places[i].begin;
    made->size_[order[i]] = places[i].size;
  }
  text.shrink_to_fit();
  return made;
}

bool LabelDictionary::Find(std::string_view value, uint32_t* number) const {
  const auto it =
      std::lower_bound(order_.begin(), order_.end(), value,
                       [this](uint32_t n, std::string_view text) { return this->value(n) < text; });
  if (it == order_.end() || this->value(*it) != value) return false;
  *number = *it;
  return true;
}

}  // namespace hearth::tsdb
