#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "bench/replay/report.h"

namespace meridian::replay {
namespace {

constexpr double kWidth = 420, kHeight = 300;  // of one chart, with its margins
constexpr double kLeft = 52, kRight = 14, kTop = 34, kBottom = 44;
constexpr double kLegendHeight = 30;
constexpr int kColumns = 2;
// Told apart also by those who do not see all colours (Okabe and Ito), ours first.
constexpr std::array<const char*, 10> kColours = {"#d55e00", "#0072b2", "#999999", "#009e73", "#cc79a7",
                                                  "#56b4e9", "#e69f00", "#000000", "#555555", "#000000"};

std::string text(const char* format, auto... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof(buffer), format, values...);
  return buffer;
}

std::string escaped(const std::string& raw) {
  std::string to;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '<' || c == '>' || c == '&' || c == '"') {
      to += text("&#%d;", static_cast<int>(byte));
    } else {
      to.push_back(byte < 0x20 || byte >= 0x7f ? '?' : c);
    }
  }
  return to;
}

const char* dashes(Contender::Kind kind) {
  return kind == Contender::Kind::kOnline ? "" : " stroke-dasharray=\"5 3\"";
}

// One trace's curves in a frame of their own.
class Chart {
 public:
  Chart(const std::vector<Row>& rows, double x, double y) : rows_(rows), x_(x), y_(y) {
    least_ = std::log10(std::max(rows.front().share, 1e-9));
    most_ = std::log10(std::max(rows.back().share, 1e-9));
    if (most_ - least_ < 1e-6) most_ = least_ + 1;
    for (const Row& row : rows) {
      for (const Ratios& ratios : row.ratios) {
        highest_ = std::max(highest_, 1 - ratios.hits);
        lowest_ = std::min(lowest_, 1 - ratios.hits);
      }
    }
    lowest_ = std::floor(lowest_ * 10) / 10;
    highest_ = std::max(std::ceil(highest_ * 10) / 10, lowest_ + 0.1);
  }

  std::string draw() const {
    std::string to = text("<g transform=\"translate(%.0f %.0f)\">\n", x_, y_);
    to += text("<text x=\"%.0f\" y=\"20\" font-weight=\"bold\">", kLeft) + escaped(rows_.front().trace) +
          "</text>\n";
    draw_grid(to);
    for (std::size_t i = 0; i < rows_.front().names.size(); ++i) draw_curve(to, i);
    return to + "</g>\n";
  }

 private:
  double at_x(double share) const {
    const double log = std::log10(std::max(share, 1e-9));
    return kLeft + (log - least_) / (most_ - least_) * (kWidth - kLeft - kRight);
  }
  double at_y(double miss_ratio) const {
    return kTop + (highest_ - miss_ratio) / (highest_ - lowest_) * (kHeight - kTop - kBottom);
  }
  void draw_grid(std::string& to) const {
    for (double ratio = lowest_; ratio < highest_ + 0.01; ratio += 0.1) {
      to += text("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>", kLeft,
                 at_y(ratio), kWidth - kRight, at_y(ratio));
      to += text("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n", kLeft - 6, at_y(ratio) + 4,
                 ratio);
    }
    for (const Row& row : rows_) {
      to += text("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g%%</text>\n", at_x(row.share),
                 kHeight - kBottom + 16, std::round(row.share * 1e5) / 1e3);
    }
    to += text("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">cache, share of the working set</text>\n",
               (kLeft + kWidth - kRight) / 2, kHeight - 10);
  }
  void draw_curve(std::string& to, std::size_t column) const {
    const bool ours = rows_.front().names[column] == kOurs;
    to += text("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"%s points=\"",
               kColours[column % kColours.size()], ours ? "2.6" : "1.3", dashes(rows_.front().kinds[column]));
    for (const Row& row : rows_) to += text("%.1f,%.1f ", at_x(row.share), at_y(1 - row.ratios[column].hits));
    to += "\"/>\n";
  }

  const std::vector<Row>& rows_;
  const double x_, y_;
  double least_, most_;
  double lowest_ = 1, highest_ = 0;
};

std::string legend(const Row& row, double y) {
  std::string to;
  for (std::size_t i = 0; i < row.names.size(); ++i) {
    const double x = 16 + 82 * static_cast<double>(i);
    to += text("<line x1=\"%.0f\" y1=\"%.0f\" x2=\"%.0f\" y2=\"%.0f\" stroke=\"%s\" stroke-width=\"2\"%s/>",
               x, y, x + 16, y, kColours[i % kColours.size()], dashes(row.kinds[i]));
    to += text("<text x=\"%.0f\" y=\"%.0f\">%s</text>\n", x + 20, y + 4, row.names[i].c_str());
  }
  return to;
}

}  // namespace

std::string svg_of(const std::vector<Row>& rows) {
  std::vector<std::vector<Row>> by_trace;
  for (const Row& row : rows) {
    if (by_trace.empty() || by_trace.back().front().trace != row.trace) by_trace.emplace_back();
    by_trace.back().push_back(row);
  }
  const std::size_t lines = (by_trace.size() + kColumns - 1) / kColumns;
  const double width = kWidth * kColumns;
  const double height = kHeight * static_cast<double>(lines) + kLegendHeight;
  std::string to = text(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n"
      "<title>Miss ratio by size of the cache</title>\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      width, height);
  for (std::size_t i = 0; i < by_trace.size(); ++i) {
    std::vector<Row>& chart = by_trace[i];
    std::sort(chart.begin(), chart.end(), [](const Row& a, const Row& b) { return a.share < b.share; });
    to +=
        Chart(chart, kWidth * static_cast<double>(i % kColumns), kHeight * static_cast<double>(i / kColumns))
            .draw();
  }
  if (!rows.empty()) to += legend(rows.front(), height - kLegendHeight / 2);
  return to + "</svg>\n";
}

}  // namespace meridian::replay
