// Links of one configuration in the order of QDP++, and an ILDG reader and writer of a host's own.
#ifndef HOSTS_ILDG_HPP
#define HOSTS_ILDG_HPP
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

[[noreturn]] static void fail(const std::string& message) { throw std::runtime_error(message); }

// ---- ILDG: LIME records of 144 bytes of header and padded data, numbers big-endian ---------------------------------------
static std::uint64_t big(const unsigned char* p, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[i];
  return value;
}
static void put_big(unsigned char* p, std::uint64_t value, int bytes) {
  for (int i = bytes; i-- > 0; value >>= 8) p[i] = static_cast<unsigned char>(value);
}
static int element(const std::string& xml, const std::string& name) {
  auto at = xml.find("<" + name + ">");
  if (at == std::string::npos) fail("no <" + name + "> in ildg-format");
  return std::atoi(xml.c_str() + at + name.size() + 2);
}

struct field {                       // links of one configuration in double precision
  std::int64_t extent[4] = {};
  std::int64_t sites = 0;
  std::vector<double> plane[4];      // [mu][even sites, odd sites][3][3][re, im]

  void resize() {
    sites = extent[0] * extent[1] * extent[2] * extent[3];
    for (auto& p : plane) p.assign(static_cast<std::size_t>(sites) * 18, 0.0);
  }
  std::int64_t place(std::int64_t lex) const {
    std::int64_t rest = lex, parity = 0;
    for (std::int64_t l : extent) {
      parity += rest % l;
      rest /= l;
    }
    return parity % 2 * (sites / 2) + lex / 2;
  }
  double* site(int mu, std::int64_t lex) { return plane[mu].data() + 18 * place(lex); }
};

static field read_ildg(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::string("cannot open ") + path);
  std::string format;
  field u;
  unsigned char header[144];
  while (file.read(reinterpret_cast<char*>(header), sizeof header)) {
    if (big(header, 4) != 0x456789ab) fail("no LIME record");
    std::uint64_t length = big(header + 8, 8);
    std::string type(reinterpret_cast<char*>(header) + 16), data(length, 0);
    if (type == "ildg-format" || type == "ildg-binary-data") {
      file.read(&data[0], static_cast<std::streamsize>(length));
      file.seekg(static_cast<std::streamoff>((8 - length % 8) % 8), std::ios::cur);
    } else {
      file.seekg(static_cast<std::streamoff>((length + 7) / 8 * 8), std::ios::cur);
    }
    if (type == "ildg-format") format = data;
    if (type != "ildg-binary-data") continue;
    const char* names[4] = {"lx", "ly", "lz", "lt"};
    for (int d = 0; d < 4; ++d) u.extent[d] = element(format, names[d]);
    u.resize();
    if (element(format, "precision") != 64 || length != 576 * static_cast<std::uint64_t>(u.sites)) fail("not SU(3), f64");
    auto p = reinterpret_cast<const unsigned char*>(data.data());
    for (std::int64_t lex = 0; lex < u.sites; ++lex)
      for (int mu = 0; mu < 4; ++mu)
        for (int c = 0; c < 18; ++c, p += 8) {
          std::uint64_t bits = big(p, 8);
          std::memcpy(u.site(mu, lex) + c, &bits, 8);
        }
    return u;
  }
  fail("no gauge field in the file");
}

static std::uint32_t crc32(const unsigned char* p, std::size_t n) {
  std::uint32_t crc = ~0u;
  for (; n-- > 0; ++p) {
    crc ^= *p;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

static void write_record(std::ofstream& file, const char* type, const std::string& data, bool first, bool last) {
  unsigned char header[144] = {};
  put_big(header, 0x456789ab, 4);
  put_big(header + 4, 1, 2);
  header[6] = static_cast<unsigned char>(first << 7 | last << 6);
  put_big(header + 8, data.size(), 8);
  std::strncpy(reinterpret_cast<char*>(header) + 16, type, 127);
  file.write(reinterpret_cast<char*>(header), sizeof header);
  file << data << std::string((8 - data.size() % 8) % 8, '\0');
}

static void write_ildg(const char* path, field& u) {
  char text[512];
  std::string payload(static_cast<std::size_t>(u.sites) * 576, 0);
  auto p = reinterpret_cast<unsigned char*>(&payload[0]);
  std::uint32_t suma = 0, sumb = 0;
  for (std::int64_t lex = 0; lex < u.sites; ++lex) {
    for (int mu = 0; mu < 4; ++mu)
      for (int c = 0; c < 18; ++c) {
        std::uint64_t bits;
        std::memcpy(&bits, u.site(mu, lex) + c, 8);
        put_big(p + (mu * 18 + c) * 8, bits, 8);
      }
    std::uint32_t crc = crc32(p, 576), a = lex % 29, b = lex % 31;
    suma ^= crc << a | (a ? crc >> (32 - a) : 0);
    sumb ^= crc << b | (b ? crc >> (32 - b) : 0);
    p += 576;
  }
  std::ofstream file(path, std::ios::binary);
  std::snprintf(text, sizeof text,
                "<?xml version=\"1.0\"?><ildgFormat><version>1.0</version><field>su3gauge</field><precision>64</precision>"
                "<lx>%d</lx><ly>%d</ly><lz>%d</lz><lt>%d</lt></ildgFormat>",
                static_cast<int>(u.extent[0]), static_cast<int>(u.extent[1]), static_cast<int>(u.extent[2]),
                static_cast<int>(u.extent[3]));
  write_record(file, "ildg-format", text, true, false);
  write_record(file, "ildg-data-lfn", "lfn://tests/hosts/dlopen", false, false);
  write_record(file, "ildg-binary-data", payload, false, false);
  std::snprintf(text, sizeof text,
                "<?xml version=\"1.0\"?><scidacChecksum><version>1.0</version><suma>%08x</suma><sumb>%08x</sumb>"
                "</scidacChecksum>",
                suma, sumb);
  write_record(file, "scidac-checksum", text, false, true);
  if (!file.flush()) fail("cannot write");
}

static double norm2(const field& f) {
  double sum = 0;
  for (const auto& plane : f.plane)
    for (double x : plane) sum += x * x;
  return sum;
}
static double difference(const field& a, const field& b) {
  double worst = 0;
  for (int mu = 0; mu < 4; ++mu)
    for (std::size_t i = 0; i < a.plane[mu].size(); ++i)
      worst = std::fmax(worst, std::fabs(a.plane[mu][i] - b.plane[mu][i]));
  return worst;
}
#endif
