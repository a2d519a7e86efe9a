use std::cell::RefCell; use std::collections::HashMap; use std::path::*; use std::time::*; use roar_context::*; use tracer_schema::FileStamp;
#[derive(Default)] struct M(RefCell<HashMap<(PathBuf,FileStamp),Option<Package>>>);
impl PackageCache for M { fn lookup(&self,p:&Path,d:&FileStamp)->Option<Option<Package>>{self.0.borrow().get(&(p.to_owned(),*d)).cloned()} fn store(&self,p:&Path,d:&FileStamp,k:Option<&Package>){self.0.borrow_mut().insert((p.to_owned(),*d),k.cloned());} }
fn main(){ 
 let mut paths: Vec<PathBuf> = vec![]; fn walk(d:&Path,o:&mut Vec<PathBuf>,n:usize){ if let Ok(r)=std::fs::read_dir(d){ for e in r.flatten(){ if o.len()>=n {return;} let t=e.file_type().unwrap(); if t.is_dir(){walk(&e.path(),o,n)} else if t.is_file(){o.push(e.path())} } } }
 walk(Path::new("/usr/lib/python3.11"),&mut paths,300); walk(Path::new("/usr/lib/x86_64-linux-gnu"),&mut paths,500); let n=paths.len(); walk(Path::new("/usr/lib/python3/dist-packages"),&mut paths,n+200); let n=paths.len(); walk(Path::new("/root/.pyenv/versions/3.13.0/lib/python3.13/site-packages"),&mut paths,n+500);
 let r:Vec<&Path>=paths.iter().map(|p|p.as_path()).collect(); let m=M::default();
 for _ in 0..3 { let b=Instant::now(); let o=find_owners(&r,Path::new("/"),&NoPackageCache); println!("scan {} paths {:?}, debian {}, python {}",r.len(),b.elapsed(),o.iter().filter(|o|o.debian.is_some()).count(),o.iter().filter(|o|o.python.is_some()).count()); }
 for (p,o) in r.iter().zip(find_owners(&r,Path::new("/"),&m)).filter(|(_,o)|o.debian.is_none()&&o.python.is_none()).take(5) { println!("unowned {p:?} {o:?}"); }
 for _ in 0..3 { let b=Instant::now(); let _=find_owners(&r,Path::new("/"),&m); println!("cached {:?}",b.elapsed()); }
 for _ in 0..3 { let b=Instant::now(); let _=find_owners(&r[..10],Path::new("/"),&NoPackageCache); println!("scan 10 {:?}",b.elapsed()); }
 let f=Filter::new(&Surroundings{home:Some(Path::new("/root")),project_root:Some(Path::new("/work/x")),cwd:Some(Path::new("/work/x")),temp_dir:None,environments:&[]},Classes::all());
 let b=Instant::now(); let mut c=0; for _ in 0..20 { for p in &paths { if f.excludes(p.as_os_str().as_encoded_bytes()).is_some(){c+=1;} } } println!("filter {} paths {:?} {c}",20*paths.len(),b.elapsed());
 let dir=std::env::args().nth(1).unwrap();
 for _ in 0..3 { let b=Instant::now(); let p=GitProbe::start(Path::new(&dir)); let s=b.elapsed(); let st=p.wait(Duration::from_secs(9)); println!("git start {s:?} total {:?} {}",b.elapsed(),format!("{st:?}").chars().take(160).collect::<String>()); }
}
