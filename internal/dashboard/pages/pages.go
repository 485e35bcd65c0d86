// Package pages draws the dashboard's pages as HTML.
//
// It takes figures and settings, turns them into words (dates, counts, "hidden") and fills templates made of the NHS
// design system's components. A page is drawn whole before anything is sent, so a reader never gets half of one. The package
// asks nobody for data and decides nothing about access.
package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
)

// Product is the name in the header and in titles.
const Product = "Community care progress"

// GlancePath is the address of the page "At a glance".
const GlancePath = "/at-a-glance"

//go:embed templates
var files embed.FS

// Renderer draws pages for one ICS.
type Renderer struct {
	icsName, odsCode string
	readOnly         bool
	templates        map[string]*template.Template
}

// New prepares the templates. readOnly says on every page that records can't be changed at present; asset gives the address of a
// style sheet or picture.
func New(icsName, odsCode string, readOnly bool, asset func(string) (string, error)) (*Renderer, error) {
	base, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{"asset": asset, "args": args}).
		ParseFS(files, "templates/layout.gohtml", "templates/components.gohtml", "templates/measures.gohtml")
	if err != nil {
		return nil, fmt.Errorf("parse the page layout: %w", err)
	}
	r := &Renderer{icsName: icsName, odsCode: odsCode, readOnly: readOnly, templates: map[string]*template.Template{}}
	for _, page := range []string{"about", "at-a-glance", "message", "subject"} {
		t, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("copy the page layout: %w", err)
		}
		if r.templates[page], err = t.ParseFS(files, "templates/"+page+".gohtml"); err != nil {
			return nil, fmt.Errorf("parse page %s: %w", page, err)
		}
	}
	return r, nil
}

// Viewer is the signed-in person that a page is drawn for.
type Viewer struct {
	Name string
	CSRF string // goes into every form
}

// frame is what the layout shows around every page.
type frame struct {
	Title     string
	Product   string
	ICSName   string
	ODSCode   string
	Viewer    *Viewer // nil when nobody is signed in
	Nav       []link
	Synthetic bool
	ReadOnly  bool
	Page      any
}

type link struct {
	Text, Href string
	Current    bool
}

// navigation lists the pages that signed-in people can go to.
func navigation(current string) []link {
	links := []link{{Text: "At a glance", Href: GlancePath, Current: current == GlancePath}}
	for _, s := range Subjects() {
		links = append(links, link{Text: s.Title, Href: s.Path, Current: current == s.Path})
	}
	return append(links, link{Text: "About the data", Href: AboutPath, Current: current == AboutPath})
}

// write draws the named page and sends it. Pages hold figures or the fact of being signed in, so none may be stored.
func (r *Renderer) write(w http.ResponseWriter, status int, name string, f frame) error {
	f.Product, f.ICSName, f.ODSCode, f.ReadOnly = Product, r.icsName, r.odsCode, r.readOnly
	var b bytes.Buffer
	if err := r.templates[name].ExecuteTemplate(&b, "layout", f); err != nil {
		http.Error(w, "The page could not be drawn.", http.StatusInternalServerError)
		return fmt.Errorf("draw page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the reader has gone; there is nobody to tell
	return nil
}
