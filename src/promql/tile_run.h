// SPDX-License-Identifier: Apache-2.0
// Reads a large selection on several threads: tiles of series are read and made into rows by
// whoever is free, and handed to the sink in the order of the series by the query's own thread. So
// neither answers nor limits nor what is counted depend on how many threads there are.
//
// A helper makes rows of floats alone. What is anything else (histograms, an error, a query that
// must end) it leaves to the query's thread, which reads that tile as if it were alone.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "promql/evaluator.h"
#include "promql/row_maker.h"
#include "promql/tile_pool.h"
#include "storage/querier.h"

namespace hearth::promql {

// The rows of some series, in their order.
class Tile {
 public:
  explicit Tile(const StepCounts& like);
  void Clear();
  // What the store handed out, whether it makes a row or not.
  void Count(const storage::SeriesColumns& series);
  void Add(const RowView& row, size_t steps);

  struct Row {
    RowView view;  // without pointers
    size_t labels_at = 0;
    size_t labels_size = 0;
    size_t index = 0;        // of its cells, in rows
    size_t value_index = 0;  // of its values, where it has some
    bool has_values = false;
    int64_t series = 0;   // that the store handed out since the row before …
    int64_t samples = 0;  // … and their samples
  };
  const std::vector<Row>& rows() const { return rows_; }
  RowView View(const Row& row) const;

  StepCounts counts;
  Annotations notes;
  int64_t series = 0;         // handed out by the store
  int64_t series_after = 0;   // … after the last row
  int64_t samples_after = 0;  // and their samples

 private:
  std::vector<Row> rows_;
  std::vector<double> values_;
  std::vector<Cell> cells_;
  std::string labels_;
};

class TileRun {
 public:
  struct Job {
    QueryState* query = nullptr;
    storage::SeriesSet* set = nullptr;  // read by the query's thread
    size_t cost_index = 0;              // in QueryState::costs
    size_t begin = 0;                   // the series to read
    size_t end = 0;
    size_t tile_rows = 0;
    size_t steps = 0;
    RowMaker* maker = nullptr;  // of the query's thread
    const MakeRowMaker* make_maker = nullptr;
    RowSink* sink = nullptr;
    // Reads the series [begin, end) as if nobody helped.
    std::function<absl::Status(size_t begin, size_t end)> read;
  };
  explicit TileRun(Job job);
  ~TileRun();
  // About what the tiles hold at a time.
  static size_t Bytes(const TilePool& pool, size_t tile_rows, size_t steps,
                      size_t samples_per_series);
  absl::Status Run();

 private:
  enum class State : uint8_t { kFree, kMaking, kMade, kLeft };
  struct Slot {
    State state = State::kFree;
    Tile tile;
  };
  // One thread's.
  struct Reader {
    std::unique_ptr<storage::SeriesSet> fork;  // null: the query's own
    std::unique_ptr<RowMaker> own_maker;
    storage::SeriesSet* set = nullptr;
    RowMaker* maker = nullptr;
    storage::ColumnBatch batch;
    std::atomic<bool> taken{false};  // by a helper, which leaves when others need its core
  };
  // What a helper that begins too late still finds.
  struct Door {
    absl::Mutex mutex;
    TileRun* run ABSL_GUARDED_BY(mutex) = nullptr;  // null: nobody is to come any more
    size_t inside ABSL_GUARDED_BY(mutex) = 0;
  };

  Slot& SlotOf(size_t tile) { return slots_[tile % slots_.size()]; }
  bool MayClaim() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return next_ < tiles_ && next_ < folded_ + slots_.size();
  }
  size_t Claim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CallHelpers();
  Reader* FreeReader();  // for a helper; null where there are as many as may help
  void Help(Reader* reader);
  // False: to be left to the query's thread.
  bool MakeRows(size_t tile, Reader* reader, Tile* rows) const;
  void Make(size_t tile, Reader* reader);
  // Returns when others have made the tile; false: it is the caller's. Meanwhile the caller makes
  // later ones.
  bool AwaitTile(size_t tile, Reader* own);
  absl::Status FoldNext(size_t tile, Reader* own);
  absl::Status Fold(const Tile& tile);
  absl::Status ReadAlone(size_t tile);
  void AddCost(int64_t series, int64_t samples);

  const Job job_;
  TilePool& pool_;
  const size_t tiles_;
  const std::shared_ptr<Door> door_;
  // Of helpers: what their rows refer to stays until all is folded.
  std::vector<std::unique_ptr<Reader>> readers_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  // States under mutex_; a tile belongs to whoever makes or folds it.
  std::vector<Slot> slots_;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;    // the first tile that nobody has
  size_t folded_ ABSL_GUARDED_BY(mutex_) = 0;  // tiles, from the first on
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::promql
