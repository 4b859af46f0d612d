# Varnish with its built-in rules, which cache what the origin's Cache-Control allows.
vcl 4.1;
backend origin {
  .host = "127.0.0.1";
  .port = "@origin@";
  .max_connections = 1000;
}
