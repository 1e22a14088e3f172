package middlewaretest

import (
	"net/http"
	"reflect"
	"testing"
)

// A configuration keeps each of its fields on the way to a framework.
func TestConvertIsComplete(t *testing.T) {
	var cfg Config
	from := reflect.ValueOf(&cfg).Elem()
	for i := range from.NumField() {
		fill(t, from.Field(i))
	}
	to := reflect.ValueOf(Convert(cfg, HTTP{}.onError))
	for i := range to.NumField() {
		if to.Field(i).IsZero() {
			t.Errorf("the field %s is lost", to.Type().Field(i).Name)
		}
	}
	if none := Convert(Config{}, HTTP{}.onError); none.OnError != nil {
		t.Error("an error handler that nobody configured was made")
	}
}

// fill sets v to something that is not zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("x")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Func:
		v.Set(reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value { panic("nobody calls it") }))
	default:
		t.Fatalf("the test cannot fill a %s", v.Type())
	}
}

func TestColons(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "/t/{tenant}/x": "/t/:tenant/x", "/{a}/{b}": "/:a/:b", "/t/x{y}": "/t/x{y}", "": "",
	} {
		if got := Colons(path); got != want {
			t.Errorf("%s is spelled %s, want %s", path, got, want)
		}
	}
}

func TestHTTPServerIsQuiet(t *testing.T) {
	s, ok := HTTPServer(http.NotFoundHandler()).(*http.Server)
	if !ok || s.ErrorLog == nil {
		t.Errorf("%T logs to standard error", s)
	}
}
